/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_pki_text.c - the help of mewsctl pki, and times as it takes them. */
#include "collector/ctl/ctl_pki.h"
#include <stdlib.h>

static const char help_text[] =
    "Usage: mewsctl pki init DIR [--name FLEET] [--days N] [--force]\n"
    "       mewsctl pki issue DIR --collector NAME [--dns NAME]... [--ip ADDRESS]... [--days N | "
    "--for TIME]\n"
    "             [--force]\n"
    "       mewsctl pki issue DIR --node NAME [--dns NAME]... [--days N | --for TIME] [--force]\n"
    "       mewsctl pki revoke DIR NAME [--node | --collector]\n"
    "       mewsctl pki list DIR\n"
    "       mewsctl pki show FILE\n"
    "       mewsctl pki enroller FLEET DIR [--address HOST:PORT] [--collector URL]\n"
    "             [--listen HOST:PORT] [--only]\n"
    "       mewsctl pki token DIR --nodes PATTERN [--for TIME] [--uses N] [--life TIME]\n"
    "             [--replace]\n"
    "       mewsctl pki tokens DIR\n"
    "       mewsctl pki serve DIR\n"
    "\n"
    "Sensors and collectors trust each other by certificates of one authority, the fleet's. This\n"
    "command keeps such an authority in a folder, for fleets that have none.\n"
    "\n"
    "  init    makes the authority: DIR/ca.pem and DIR/ca.key (10 years), and an empty "
    "DIR/crl.pem.\n"
    "          Keep DIR/ca.key where nobody else can read it: its holder can join the fleet.\n"
    "  issue   makes a certificate and its key (a year, --days, or --for 12h, 30m, 45s):\n"
    "          DIR/collector-NAME.pem and .key, for a server. NAME, --dns and --ip are the\n"
    "          names and addresses that sensors use.\n"
    "          DIR/node-NAME.pem and .key, for a sensor. NAME is the node's name; --dns adds\n"
    "          further nodes that the same sensor may speak for.\n"
    "  revoke  puts all certificates of that name on DIR/crl.pem. Copy that file to collectors\n"
    "          and sensors (tls.crl), which reload it when it changes.\n"
    "  list    prints who has a certificate, until when, and how many that name had before; of an\n"
    "          enroller's folder too.\n"
    "  show    prints the contents of a certificate or a revocation list.\n"
    "\n"
    "Nodes can also fetch their certificates themselves, with a token:\n"
    "\n"
    "  enroller  makes the folder of an enroller, for the authority in FLEET: --address is where\n"
    "          nodes reach it (port 7444), --collector the URL they are told. It has an\n"
    "          authority of its own, which can vouch for nodes only: FLEET can stay elsewhere.\n"
    "          Once more, it renews what the folder has of FLEET; and with another FLEET both\n"
    "          authorities are trusted, until --only this one is.\n"
    "  token   prints one line, for 'mews-sensor enroll': who has it gets a certificate for a\n"
    "          node whose name fits --nodes, within an hour (--for), once (--uses). The\n"
    "          certificate is for 30 days (--life) and renews itself. A name that has one gets no\n"
    "          other, unless --replace, which revokes it.\n"
    "  tokens  lists them. 'revoke DIR NAME' revokes a node's certificate.\n"
    "  serve   is the enroller: HTTPS, until it is stopped.\n"
    "\n"
    "Example, for a collector on host c1 and a sensor on host web1:\n"
    "  mewsctl pki init fleet --name example.org\n"
    "  mewsctl pki issue fleet --collector c1 --ip 192.0.2.10\n"
    "  mewsctl pki issue fleet --node web1\n"
    "To c1:   fleet/ca.pem fleet/crl.pem fleet/collector-c1.pem fleet/collector-c1.key\n"
    "To web1: fleet/ca.pem fleet/crl.pem fleet/node-web1.pem fleet/node-web1.key\n"
    "\n"
    "Exit status: 0 done, 1 refused or failed, 2 usage error.\n";

void
ctl_pki_help(void)
{
	fputs(help_text, stdout);
}

int
ctl_pki_time(const char *option, const char *text, long *ret)
{
	static const struct {
		const char *unit;
		long seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	char *end;
	long v = strtol(text, &end, 10);

	for (size_t i = 0; v > 0 && v <= 1000000 && i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		*ret = v * units[i].seconds;
		return CTL_OK;
	}
	return ctl_usage(
	    "pki", "%s takes a time such as 90d, 12h, 30m or 45s, not '%s'", option, text);
}
