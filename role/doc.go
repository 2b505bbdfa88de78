// Package role carries whole messages between a manager and an agent.
//
// A [Manager] sends requests and waits for the answers; an [Agent] waits for
// requests and sends the answers back. Both work over one socket a local
// address and treat a message as opaque octets: this package does not know
// what SNMP is. Two small functions in [Config] tell it what it must know of a
// protocol, namely which answer belongs to which request ([KeyFunc]) and, on a
// byte stream, where a message ends ([SplitFunc]).
//
// # Roles
//
// [Dial] makes a manager with a default destination, [Open] one without:
// every call then names its own. [ListenAgent] makes an agent that serves
// several local addresses as one. [Manager.Exchange] blocks, [Manager.Start]
// calls back, [Manager.ExchangeAll] takes a list. [Agent.Serve] answers for
// ever, [Agent.ServeOne] once; [Agent.Receive] and [Agent.Send] are its parts.
//
// # Time
//
// An exchange makes one attempt and up to Config.Retries further ones, each
// lasting Config.Timeout. The context passed to a call bounds all of them
// together. There are no other timers, and nothing that arrives shortens an
// attempt, except the answer.
//
// # Buffers
//
// The caller owns every buffer that it passes in. A call keeps no reference to
// it after it returns (Start: after Done is called), and a returned message
// aliases the buffer that the caller passed, never memory of this package.
// Steady-state traffic over UDP does not allocate.
//
// # Concurrency
//
// All methods of Manager and Agent may be called from several goroutines.
// What they send at the same time leaves in one system call where the system
// has one for it (Linux). After Close, blocked and later calls return an error
// that wraps [net.ErrClosed].
//
// # Errors
//
// Every error is an [*Error] of one kind: [ErrBadArgument], [ErrNetwork], or
// its children [ErrNoResponse] and [ErrNoRequest]. The operating system's
// cause is wrapped as well. Datagrams that answer nothing are no errors: they
// are dropped and counted in [Stats].
//
// # Transports
//
// UDP, TCP and Unix sockets (stream and datagram) are built in. Anything that
// implements [PacketConn] can take their place; package roletest has one that
// lives in memory, loses, delays and forges messages on request, and runs in
// virtual time.
//
// # Origin
//
// The package re-creates the transport module of PySNMP 2.x, whose manual
// describes a manager and an agent that know nothing of SNMP. What that manual
// says, its form here, and the test that holds it:
//
//	R1  manager: client on one socket     Manager: Dial, Open, NewManager      TestConcurrentExchanges, TestNetworks
//	R2  agent: server                     Agent: ListenAgent, NewAgent         TestServeSeveral, TestNetworks
//	R3  knows no SNMP                     messages are []byte                  TestImports (module)
//	R4  any transport will do             PacketConn                           Example_transport (module)
//	R5  destination optional, host:port   Dial, Open; ParseAddr, ResolveAddr   TestDialUDP, TestOpenReachesAll, TestParseAddr, TestResolveAddr
//	R6  no default: each send names one   ErrBadArgument                       TestBadArguments, TestOpenReachesAll
//	R7  default: no send names one        Dial connects the socket             TestDialUDP, TestRefusedAtOnce
//	R8  interface to send from            Config.Local                         TestLocal, TestOpenReachesAll
//	R9  list of interfaces to serve       ListenAgent                          TestServeSeveral, TestDefaultListenAddress, TestListenErrors
//	R10 low ports need privileges         the error suggests a port            TestPrivilegedPort
//	R11 tree of errors                    Error, its Kind, pollux.ErrGeneral   TestErrorTree, TestErrorText
//	R12 no response in time               ErrNoResponse                        TestExchangeRetries, TestExchangeContext
//	R13 no request in time                ErrNoRequest                         TestReceiveAndSend
//
//	manager.open              Dial, Open                            TestDialUDP, TestListenErrors
//	manager.send              Manager.Send                          TestSendReceive
//	manager.receive           Manager.Receive                       TestSendReceive, TestReceiveForEver
//	manager.send_and_receive  Manager.Exchange                      TestExchangeRetries
//	manager.read              Receive with a context already due    TestSendReceive
//	manager.get_socket        Manager.SyscallConn                   TestSyscallConn
//	manager.close             Manager.Close                         TestCloseWakesAll, TestCloseUDP
//	manager.timeout           Config.Timeout                        TestExchangeRetries, TestReceiveForEver
//	manager.retries           Config.Retries                        TestExchangeRetries
//	agent.receive, send       Agent.Receive, Agent.Send             TestReceiveAndSend
//	agent.receive_and_send    Agent.Serve, Agent.ServeOne           TestServeSeveral, TestReceiveAndSend
//	bulkrole.manager          Manager.ExchangeAll                   TestExchangeAll
//	asynrole.manager          Manager.Start, Call.Done              TestStart, TestPeerStart
//
// Defects of the original that are not repeated here:
//
//	a late answer was taken for the next           Config.Key        TestLateAnswerIsNotTheNext, TestSoak
//	an empty datagram ended an attempt             Stats.Empty       TestDropsAreCounted, TestEmptyDatagram
//	an answer from anywhere was taken              Config.AnySource  TestDropsAreCounted, TestAnySource
//	two interfaces failed                          ListenAgent       TestServeSeveral
//	65,508 octets failed with a number             ErrBadArgument    TestBadArguments, TestDialUDP
//	the bulk form ignored timeouts and retries     ExchangeAll       TestExchangeAll
//	a refused port could not be retried            RetryRefused      TestRefused, TestRefusedAmongThousands
package role
