/* SPDX-License-Identifier: MIT */
/* Asks for nothing: its log is empty.
 *
 * never {"kind": "*", "sites": []}
 */
int main(void)
{
    return 0;
}
