/* A stranger's program: the shortest that needs the installed header and library. */
#include <stdio.h>
#include <weir/weir.h>

int main(void)
{
    puts(weir_version());
    return 0;
}
