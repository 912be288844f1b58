/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <stdio.h>

#define SHELL PROGRAM("10", "sh", ";cwd=/root")

/* The ports to which a process is bound. */
static const struct row port_rows[] = {
	SHELL,
	{ EV_SOCKET, "10", "fd=4;domain=2;type=2", "" },
	{ EV_BIND, "10", "addr=0.0.0.0:53;fd=4", "fd.server=1" },
	{ EV_BIND, "10", "addr=::1:54;fd=5", "fd.server=1" },
	{ EV_BIND, "10", "addr=0.0.0.0:52;fd=6", "fd.server=1" },
	/* A socket inherited from before: the role follows from the port. */
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:52;fd=20", "fd.role=2" },
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:51;fd=21", "fd.role=1" },
	{ EV_RECVFROM, "10", "res=1;tuple=::2:9->::1:54;fd=22", "fd.role=2" },
	/* Bound twice, closed once. */
	{ EV_DUP2, "10", "res=7;oldfd=6;newfd=7", "" },
	{ EV_CLOSE, "10", "fd=6", "" },
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:52;fd=23", "fd.role=2" },
	/* A child has a copy. */
	{ EV_CLONE, "11@9", "ptid=10;comm=sh", "" },
	{ EV_CLOSE, "11@9", "fd=7", "" },
	{ EV_RECVFROM, "11@9", "res=1;tuple=10.0.0.9:9->10.0.0.1:52;fd=24", "fd.role=1" },
	{ EV_RECVFROM, "11@9", "res=1;tuple=10.0.0.9:9->10.0.0.1:53;fd=25", "fd.role=2" },
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:52;fd=24", "fd.role=2" },
	/* The number becomes a file, another port, a connection. */
	{ EV_OPEN, "10", "fd=7;name=/x", "" },
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:52;fd=26", "fd.role=1" },
	{ EV_BIND, "10", "addr=0.0.0.0:55;fd=4", "fd.dport=55" },
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:53;fd=27", "fd.role=1" },
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:55;fd=28", "fd.role=2" },
	{ EV_CONNECT, "10", "tuple=10.0.0.1:55->10.0.0.2:80;fd=4", "fd.server=0" },
	{ EV_RECVFROM, "10", "res=1;tuple=10.0.0.9:9->10.0.0.1:55;fd=29", "fd.role=1" },
};

static const struct row client_rows[] = {
	SHELL,
	{ EV_SOCKET, "10", "fd=4;domain=2;type=1;proto=0;flags=0x1000",
	    "fd.type=4;fd.name=;fd.conn=0;fd.role=0;fd.exec=1;fd.l4=2" },
	{ EV_CONNECT, "10", "tuple=172.40.111.222:54321->142.251.111.147:443;fd=4",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443;fd.changed=1;fd.conn=1;fd.role=1;"
	    "fd.l4=2;fd.sip=172.40.111.222;fd.dip=142.251.111.147;fd.sport=54321;fd.dport=443" },
	/* Again: the same name is no change; a failure changes nothing. */
	{ EV_CONNECT, "10", "tuple=172.40.111.222:54321->142.251.111.147:443;fd=4",
	    "fd.changed=0" },
	{ EV_CONNECT, "10", "res=-2;tuple=1.1.1.1:1->2.2.2.2:2;fd=4",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443;fd.conn=1" },
	{ EV_CLOSE, "10", "fd=4", "fd.dport=443" },
	/* IPv6, without brackets. */
	{ EV_SOCKET, "10", "fd=5;domain=10;type=2;proto=0", "fd.type=6;fd.l4=3" },
	{ EV_CONNECT, "10", "tuple=::1:54321->2001:4860:4860::8888:443;fd=5",
	    "fd.name=::1:54321->2001:4860:4860::8888:443;fd.type=6" },
	{ EV_SENDTO, "10", "res=5;fd=5;size=5;tuple=",
	    "fd.name=::1:54321->2001:4860:4860::8888:443;fd.changed=0" },
	/* IPv4 in IPv6 has addresses and no name. */
	{ EV_CONNECT, "10", "tuple=::ffff:10.0.0.1:1234->::ffff:10.0.0.2:80;fd=5",
	    "fd.name=<unknown>;fd.type=4;fd.sip=10.0.0.1;fd.dip=10.0.0.2;fd.dport=80;fd.sport="
	    "1234" },
	/* It keeps its transport, and gets its name with the first message. */
	{ EV_SENDTO, "10", "res=5;fd=5;size=5;tuple=::ffff:10.0.0.1:1234->::ffff:10.0.0.2:80",
	    "fd.name=10.0.0.1:1234->10.0.0.2:80;fd.l4=3;fd.role=1;fd.changed=1" },
	{ EV_SOCKET, "10", "fd=5;domain=10;type=1;proto=0", "" },
	{ EV_CONNECT, "10", "tuple=::ffff:10.0.0.1:1234->::ffff:10.0.0.2:80;fd=5",
	    "fd.name=<unknown>;fd.l4=2" },
	{ EV_DUP, "10", "res=30;oldfd=5", "fd.name=<unknown>" },
	{ EV_RECVMSG, "10", "res=5;fd=30;tuple=::ffff:10.0.0.2:80->::ffff:10.0.0.1:1234",
	    "fd.name=10.0.0.1:1234->10.0.0.2:80;fd.l4=2;fd.role=1" },
	{ EV_SENDMSG, "10", "res=5;fd=5;size=5;tuple=::ffff:10.0.0.1:1234->::ffff:10.0.0.2:80",
	    "fd.name=10.0.0.1:1234->10.0.0.2:80;fd.l4=2;fd.changed=1" },
	/* The transport of a socket that was never seen is unknown, if it connected. */
	{ EV_CONNECT, "10", "tuple=10.0.0.1:1->10.0.0.2:80;fd=31", "fd.l4=1" },
	{ EV_SENDTO, "10", "res=5;fd=31;size=5;tuple=10.0.0.1:1->10.0.0.2:80",
	    "fd.name=10.0.0.1:1->10.0.0.2:80;fd.l4=1" },
	/* Under way, then done. */
	{ EV_SOCKET, "10", "fd=6;domain=2;type=1;proto=6", "" },
	{ EV_CONNECT, "10", "res=-115;tuple=10.0.0.1:1->10.0.0.2:80;fd=6",
	    "fd.name=10.0.0.1:1->10.0.0.2:80;fd.conn=1;fd.role=1" },
	{ EV_GETSOCKOPT, "10", "fd=6;level=1;optname=4;val=\001||||||||", "fd.conn=1" },
	{ EV_CONNECT, "10", "res=-115;tuple=10.0.0.1:1->10.0.0.2:80;fd=6", "fd.conn=1" },
	{ EV_GETSOCKOPT, "10", "fd=6;level=1;optname=4;val=\001o|||||||", "fd.conn=0" },
	/* A message that connects, by TCP Fast Open. */
	{ EV_SOCKET, "10", "fd=32;domain=2;type=1", "" },
	{ EV_SENDTO, "10", "res=-115;fd=32;size=5;tuple=10.0.0.1:9->10.0.0.2:80",
	    "fd.name=10.0.0.1:9->10.0.0.2:80;fd.conn=1;fd.role=1;fd.l4=2" },
	{ EV_RECVFROM, "10", "res=-115;fd=32;tuple=10.0.0.3:9->10.0.0.2:80",
	    "fd.name=10.0.0.1:9->10.0.0.2:80" },
	/* No tuple: the requested address. */
	{ EV_CONNECT, "10", "tuple=;addr=10.9.9.9:53;fd=7",
	    "fd.name=0.0.0.0:0->10.9.9.9:53;fd.type=4" },
	{ EV_SOCKET, "10", "fd=8;domain=2;type=3;proto=1", "fd.l4=5" },
	{ EV_CONNECT, "10", "tuple=10.0.0.1:0->10.0.0.2:0;fd=8", "fd.name=10.0.0.1->10.0.0.2" },
	/* A stream that was bound before is still a client; a datagram socket is not. */
	{ EV_SOCKET, "10", "fd=10;domain=2;type=1", "" },
	{ EV_BIND, "10", "addr=10.0.0.1:700;fd=10", "fd.role=2" },
	{ EV_CONNECT, "10", "tuple=10.0.0.1:700->10.0.0.2:514;fd=10",
	    "fd.name=10.0.0.1:700->10.0.0.2:514;fd.role=1" },
	{ EV_SOCKET, "10", "fd=11;domain=2;type=2", "" },
	{ EV_BIND, "10", "addr=10.0.0.1:701;fd=11", "fd.role=2" },
	{ EV_CONNECT, "10", "tuple=10.0.0.1:701->10.0.0.2:514;fd=11",
	    "fd.name=10.0.0.2:514->10.0.0.1:701;fd.role=2" },
	{ EV_SOCKET, "10", "fd=-1;domain=2;type=3;proto=1", "fd.num=-1;fd.type=-" },
	/* A transport without a name. */
	{ EV_SOCKET, "10", "fd=9;domain=2;type=1;proto=132", "fd.l4=0" },
	{ EV_CONNECT, "10", "tuple=10.0.0.1:7->10.0.0.2:8;fd=9",
	    "fd.name=<unknown>;fd.sip=10.0.0.1;fd.dport=8" },
	{ EV_SOCKET, "10", "fd=9;domain=2;type=3;proto=6", "fd.l4=5" },
	{ EV_SOCKET, "10", "fd=9;domain=2;type=2;proto=1", "fd.l4=4" },
	/* A socket that is read or written is connected. */
	{ EV_SOCKET, "10", "fd=9;domain=2;type=1;proto=0", "fd.conn=0" },
	{ EV_READ, "10", "res=-11;fd=9;size=1", "fd.conn=0" },
	{ EV_WRITE, "10", "res=1;fd=9;size=1", "fd.conn=1" },
	/* Unix. */
	{ EV_SOCKET, "10", "fd=9;domain=1;type=1", "fd.type=u;fd.name=;fd.l4=1" },
	{ EV_CONNECT, "10", "tuple=ffff1->ffff2 /run/x.sock;fd=9",
	    "fd.name=ffff1->ffff2 /run/x.sock;fd.type=u;fd.conn=1" },
	/* The direction of a message does not turn it round. */
	{ EV_RECVFROM, "10", "res=1;tuple=ffff2->ffff1 ;fd=9",
	    "fd.name=ffff1->ffff2 /run/x.sock;fd.changed=0" },
	{ EV_SENDMSG, "10", "res=1;tuple=ffff1->ffff2 /run/x.sock;fd=9",
	    "fd.name=ffff1->ffff2 /run/x.sock;fd.changed=0" },
	{ EV_SOCKETPAIR, "10", "fd1=20;fd2=21;source=0xa;peer=0xb;domain=1;type=1",
	    "fd.num=21;fd.name=;10:fd20.name=;fd.type=u;fd.conn=0" },
	{ EV_RECVMSG, "10", "res=1;tuple=b->a ;fd=20", "fd.name=a->b;fd.changed=1" },
	{ EV_SENDMSG, "10", "res=1;tuple=a->b ;fd=20", "fd.name=a->b;fd.changed=0" },
	{ EV_SOCKET, "10", "fd=22;domain=16;type=3", "fd.type=n" },
	{ EV_SOCKET, "10", "fd=23;domain=17;type=3", "fd.type=o" },
};

static const struct row server_rows[] = {
	SHELL,
	{ EV_SOCKET, "10", "fd=4;domain=2;type=1", "" },
	{ EV_BIND, "10", "addr=142.251.111.147:443;fd=4",
	    "fd.name=142.251.111.147:443;fd.server=1;fd.dip=142.251.111.147;fd.dport=443;fd.role="
	    "2" },
	{ EV_LISTEN, "10", "fd=4;backlog=5", "fd.name=142.251.111.147:443;fd.conn=0" },
	{ EV_ACCEPT, "10", "fd=6;tuple=172.40.111.222:54321->142.251.111.147:443",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443;fd.sip=172.40.111.222;"
	    "fd.dport=443;fd.role=2;fd.l4=2;fd.conn=1;fd.changed=1;fd.num=6" },
	{ EV_ACCEPT4, "10", "fd=7;tuple=a->b /s;flags=0x1000",
	    "fd.name=a->b /s;fd.exec=1;fd.type=u" },
	{ EV_ACCEPT, "10", "fd=-11;tuple=", "fd.num=-1;fd.name=-" },
	{ EV_SENDMSG, "10", "res=1;tuple=b->a ;fd=7", "fd.name=a->b /s;fd.changed=0" },
	{ EV_RECVMSG, "10", "res=1;tuple=a->b /s;fd=7", "fd.name=a->b /s;fd.changed=0" },
	/* A bound datagram socket is the server for every sender. */
	{ EV_SOCKET, "10", "fd=22;domain=1;type=2", "" },
	{ EV_BIND, "10", "addr=/run/log;fd=22", "fd.name=/run/log;fd.role=2" },
	{ EV_RECVFROM, "10", "res=5;tuple=0->c /run/log;fd=22", "fd.name=0->c /run/log" },
	{ EV_SENDTO, "10", "res=5;tuple=c->d ;fd=22", "fd.name=d->c" },
	/* A path may have the NUL that ends it. */
	{ EV_BIND, "10", "addr=/run/y|;fd=7", "fd.name=/run/y;fd.changed=1" },
	{ EV_BIND, "10", "addr=0.0.0.0:0;fd=4", "fd.name=0.0.0.0:0;fd.dport=443" },
	{ EV_SOCKET, "10", "fd=20;domain=10;type=1", "" },
	{ EV_BIND, "10", "addr=::ffff:10.0.0.1:88;fd=20",
	    "fd.name=::ffff:10.0.0.1:88;fd.type=4;fd.dip=10.0.0.1;fd.dport=88;fd.l4=2" },
	{ EV_ACCEPT, "10", "fd=21;tuple=", "fd.num=21;fd.name=-" },
	/* A bound datagram socket is the server for every peer. */
	{ EV_SOCKET, "10", "fd=8;domain=2;type=2", "" },
	{ EV_BIND, "10", "addr=10.0.0.1:53;fd=8", "fd.name=10.0.0.1:53" },
	{ EV_RECVFROM, "10", "res=5;tuple=10.0.0.9:999->10.0.0.1:53;fd=8",
	    "fd.name=10.0.0.9:999->10.0.0.1:53;fd.role=2;fd.changed=1" },
	{ EV_SENDTO, "10", "res=5;tuple=10.0.0.1:53->10.0.0.9:999;fd=8",
	    "fd.name=10.0.0.9:999->10.0.0.1:53;fd.role=2;fd.changed=0" },
	/* A socket that sends first is a client, in whichever direction data flows. */
	{ EV_SENDMSG, "10", "res=5;tuple=10.0.0.1:4000->10.0.0.2:53;fd=9",
	    "fd.name=10.0.0.1:4000->10.0.0.2:53;fd.role=1;fd.l4=3;fd.type=4;fd.conn=1" },
	{ EV_RECVMSG, "10", "res=5;tuple=10.0.0.2:53->10.0.0.1:4000;fd=9",
	    "fd.name=10.0.0.1:4000->10.0.0.2:53;fd.role=1" },
	{ EV_SENDTO, "10", "res=-11;tuple=10.0.0.1:4000->10.0.0.7:53;fd=9",
	    "fd.name=10.0.0.1:4000->10.0.0.2:53" },
	/* Sending on a stream does not rename it. */
	{ EV_SENDTO, "10", "res=5;tuple=1.1.1.1:1->2.2.2.2:2;fd=6",
	    "fd.name=172.40.111.222:54321->142.251.111.147:443" },
};

static Wire__Interface
iface(uint8_t *addr, size_t n, uint32_t prefix)
{
	Wire__Interface f = WIRE__INTERFACE__INIT;

	f.address.data = addr;
	f.address.len = n;
	f.prefix = prefix;
	return f;
}

/* The node's addresses: which are local, and which replace an unspecified address. */
static void
t_interfaces(void **st)
{
	static uint8_t lo[] = { 127, 0, 0, 1 }, lan[] = { 10, 1, 2, 3 }, wan[] = { 192, 168, 7, 1 };
	static uint8_t six[16] = { 0x20, 0x01, 0xd, 0xb8, [15] = 1 };
	static uint8_t other[16] = { 0x20, 0x01, 0xd, 0xb8, [15] = 9 };
	Wire__Interface v[] = { iface(lo, 4, 8), iface(wan, 4, 24), iface(lan, 4, 20),
		iface(six, 16, 64) };
	Wire__Interface *const list[] = { &v[0], &v[1], &v[2], &v[3] };
	static const struct {
		const char *tuple, *name;
	} cases[] = {
		{ "0.0.0.0:9->10.1.15.1:53", "10.1.2.3:9->10.1.15.1:53" },
		{ "0.0.0.0:9->10.1.16.1:53", "192.168.7.1:9->10.1.16.1:53" },
		{ "0.0.0.0:9->127.0.0.1:53", "127.0.0.1:9->127.0.0.1:53" },
		{ "5.5.5.5:9->8.8.8.8:53", "5.5.5.5:9->8.8.8.8:53" },
	};
	struct play p;

	(void) st;
	play_start(&p, NULL);
	assert_int_equal(0, state_set_interfaces(p.s, list, ARRAY_SIZE(list)));
	assert_true(state_is_local(p.s, lan, 4));
	assert_false(state_is_local(p.s, (const uint8_t[]){ 10, 1, 2, 4 }, 4));
	assert_true(state_is_local(p.s, other, 16)); /* the same network */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char expect[256];

		(void) snprintf(expect, sizeof(expect), "fd.name=%s", cases[i].name);
		play_printed(&p, EV_CONNECT, "10", expect, "fd=4;tuple=%s", cases[i].tuple);
	}
	play_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(client_rows, NULL),
		PLAY(server_rows, NULL),
		PLAY(port_rows, NULL),
		cmocka_unit_test(t_interfaces),
		PLAY_NO_MEMORY(client_rows),
		PLAY_NO_MEMORY(server_rows),
		PLAY_NO_MEMORY(port_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
