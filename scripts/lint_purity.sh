#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Purity: objects of pure files (everything but *_io.c, main.c, cmd_*.c, loop.c) may refer to no
# symbol of libc that touches a clock, the environment, a file, a socket or the terminal.
#   lint_purity.sh <folder of objects>
set -euo pipefail
objects=$1
forbidden='^(open|openat|creat|read|write|pread|pwrite|close|fopen|fdopen|fread|fwrite|fputs|puts|printf|vprintf|fprintf|vfprintf|__fprintf_chk|__printf_chk|putchar|stdout|stderr|stdin|perror|getenv|secure_getenv|setenv|time|gettimeofday|clock_gettime|clock|nanosleep|usleep|sleep|socket|connect|bind|listen|accept|send|recv|fork|vfork|execv|execve|execvp|posix_spawn|posix_spawnp|kill|waitpid|wait4|signal|sigaction|mmap|munmap|stat|fstat|lstat|fstatat|mkdir|mkdirat|unlink|unlinkat|rename|renameat|link|linkat|opendir|readdir|getpid|gethostname|rand|random|srand|drand48|getrandom|system|popen|exit|_exit|syslog|isatty|ioctl|pthread_create)(@.*)?$'
bad=0
while IFS= read -r source; do
    case $source in
        *_io.c | */main.c | */cmd_*.c | */loop.c) continue ;;
    esac
    object=$objects/${source%.c}.o
    [ -f "$object" ] || { echo "lint: $object is missing; build first" >&2; exit 1; }
    hits=$(nm -u "$object" | awk '{print $NF}' | grep -E "$forbidden" | sort -u | tr '\n' ' ' || true)
    if [ -n "$hits" ]; then
        echo "lint: $source is not pure: $hits" >&2
        bad=1
    fi
    # Constant tables with pointers lie in .data.rel.ro; what may change in .data, .bss and kin.
    globals=$(objdump -t "$object" | awk '$0 ~ / O / && $0 ~ /[ \t](\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $0 !~ /\.data\.rel\.ro/ {print $NF}' | tr '\n' ' ')
    if [ -n "$globals" ]; then
        echo "lint: $source has mutable globals: $globals" >&2
        bad=1
    fi
done < <(git ls-files 'shared/**.c' 'scheduler/*.c' 'agent/*.c' 'collector/*.c' 'cli/*.c')
exit $bad
