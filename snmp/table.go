package snmp

import (
	"context"
	"iter"
	"strconv"
)

// A Row is a row of a table.
type Row struct {
	// Index reads what names the row.
	Index Index

	// Cells holds a binding for each column, in their order. Where the row
	// has no such instance, it is the zero VarBind.
	Cells []VarBind
}

// Table returns the rows of a table in the order of their indexes. Entry is the
// OID that the columns are below, such as ifEntry, and columns are their
// numbers; without any, Table finds out which ones there are. It asks for all
// columns together, and needs little memory: rows come as soon as they are
// complete. An error comes last and with the zero Row, and is that of Walk.
func (c *Client) Table(ctx context.Context, entry OID, columns ...uint32) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if len(columns) == 0 {
			var err error
			if columns, err = c.columns(ctx, entry); err != nil {
				yield(Row{}, err)
				return
			}
		}
		oids := make([]OID, len(columns))
		for i, n := range columns {
			if oids[i] = entry.Append(n); entry.IsZero() || oids[i].IsZero() {
				yield(Row{}, &detail{"table without an entry that can have a column " + strconv.FormatUint(uint64(n), 10), ErrBadArgument})
				return
			}
		}
		switch {
		case len(oids) == 0:
		case c.cfg.Parallel > 1:
			// Its rows are divided where the first column has them, or would.
			w := parallelWalk[Row]{c: c, end: oids[0].NextSibling(), key: func(r Row) OID { return OID{oids[0].enc + r.Index.enc} }}
			w.open = func(after OID) func(context.Context) ([]Row, error) {
				t := newTable(c, oids, after.enc[len(oids[0].enc):])
				return w.share(&t.pace, t.next)
			}
			w.run(ctx, oids[0], yield)
		default:
			t := newTable(c, oids, "")
			for {
				rows, err := t.next(ctx)
				for _, row := range rows {
					if !yield(row, nil) {
						return
					}
				}
				if err != nil {
					yield(Row{}, err)
				}
				if err != nil || len(rows) == 0 {
					return
				}
			}
		}
	}
}

// columns returns the numbers of the columns below entry that have instances.
func (c *Client) columns(ctx context.Context, entry OID) (columns []uint32, err error) {
	at := entry
	for {
		vbs, err := c.GetNext(ctx, at)
		if c.isEnd(err) {
			return columns, nil
		}
		if err != nil {
			return nil, err
		}
		idx, ok := vbs[0].OID.Index(entry)
		if !ok || vbs[0].Value.kind == KindEndOfMIBView {
			return columns, nil
		}
		n, _ := idx.Uint32()
		if len(columns) > 0 && n <= columns[len(columns)-1] {
			return nil, notIncreasing(vbs[0].OID, at)
		}
		columns = append(columns, n)
		if at = entry.Append(n).NextSibling(); !at.HasPrefix(entry) {
			return columns, nil
		}
	}
}

// A table gets rows.
type table struct {
	c       *Client
	columns []column
	pace    pace
}

// newTable returns a table whose rows come after an index, "" for the first.
func newTable(c *Client, columns []OID, index string) *table {
	t := &table{c: c, pace: c.newPace()}
	if t.pace.auto { // all columns together as many as a walk's
		t.pace.n = max(1, t.pace.n/len(columns))
	}
	for _, o := range columns {
		t.columns = append(t.columns, column{oid: o, last: OID{o.enc + index}})
	}
	return t
}

// next returns the next rows, none after the last.
func (t *table) next(ctx context.Context) (rows []Row, err error) {
	if err := t.fill(ctx); err != nil {
		return nil, err
	}
	for {
		row, ok := t.row()
		if !ok {
			return rows, nil
		}
		rows = append(rows, row)
	}
}

// A column holds the cells of one column that have come and are in no row yet.
type column struct {
	oid   OID
	last  OID // where to go on
	ended bool
	cells []VarBind
}

// index returns the index of the first cell.
func (c *column) index() OID { return OID{c.cells[0].OID.enc[len(c.oid.enc):]} }

// row returns the row with the least index, once each column that is to come has
// a cell.
func (t *table) row() (Row, bool) {
	var least OID
	for i := range t.columns {
		switch c := &t.columns[i]; {
		case len(c.cells) > 0:
			if x := c.index(); least.IsZero() || x.Compare(least) < 0 {
				least = x
			}
		case !c.ended:
			return Row{}, false
		}
	}
	if least.IsZero() {
		return Row{}, false
	}
	row := Row{Index(least), make([]VarBind, len(t.columns))}
	for i := range t.columns {
		if c := &t.columns[i]; len(c.cells) > 0 && c.index() == least {
			row.Cells[i] = c.cells[0]
			c.cells = c.cells[1:]
		}
	}
	return row, true
}

// fill asks for the columns that have no cell and have not ended, until there is
// none.
func (t *table) fill(ctx context.Context) error {
	for {
		var need []*column
		for i := range t.columns {
			if c := &t.columns[i]; len(c.cells) == 0 && !c.ended {
				need = append(need, c)
			}
		}
		if len(need) == 0 {
			return nil
		}
		if err := t.ask(ctx, need); err != nil {
			return err
		}
	}
}

// ask makes one request for cells of cols.
func (t *table) ask(ctx context.Context, cols []*column) error {
	at := make([]OID, len(cols))
	for i, c := range cols {
		at[i] = c.last
	}
	vbs, err := t.c.step(ctx, &t.pace, at)
	if t.c.isEnd(err) {
		// SNMPv1 tells the first column that has ended, and nothing of others.
		return t.askEach(ctx, cols)
	}
	if err != nil {
		return err
	}
	for i, vb := range vbs {
		if err := cols[i%len(cols)].take(vb); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) askEach(ctx context.Context, cols []*column) error {
	for _, c := range cols {
		switch vbs, err := t.c.step(ctx, &t.pace, []OID{c.last}); {
		case t.c.isEnd(err):
			c.ended = true
		case err != nil:
			return err
		default:
			for _, vb := range vbs {
				if err := c.take(vb); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// take adds a binding that came for c.
func (c *column) take(vb VarBind) error {
	switch {
	case c.ended:
	case vb.Value.kind == KindEndOfMIBView || !vb.OID.HasPrefix(c.oid):
		c.ended = true
	case vb.OID.Compare(c.last) <= 0:
		return notIncreasing(vb.OID, c.last)
	default:
		c.cells = append(c.cells, vb)
		c.last = vb.OID
	}
	return nil
}
