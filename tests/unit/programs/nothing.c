/* SPDX-License-Identifier: MIT */
/* A program that does nothing, to be looked at: linked dynamically and statically. */
int main(void)
{
    return 0;
}
