/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - a program that does nothing, for target 'links': a library is linked whole into it. */
int
main(void)
{
	return 0;
}
