/* SPDX-License-Identifier: Apache-2.0 */
/* Names that C, C++ or their libraries have taken. */
#include "reserved.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Each table is sorted for bsearch(); a test looks. */

/* What protoc-gen-c 1.4.1 takes for a keyword. */
static const char *const protobuf_c_keywords[] = {"and", "and_eq", "asm", "auto", "bitand", "bitor",
	"bool", "break", "case", "catch", "char", "class", "compl", "const", "const_cast",
	"continue", "default", "delete", "do", "double", "dynamic_cast", "else", "enum", "explicit",
	"extern", "false", "float", "for", "friend", "goto", "if", "inline", "int", "long",
	"mutable", "namespace", "new", "not", "not_eq", "operator", "or", "or_eq", "private",
	"protected", "public", "register", "reinterpret_cast", "return", "short", "signed",
	"sizeof", "static", "static_cast", "struct", "switch", "template", "this", "throw", "true",
	"try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void",
	"volatile", "wchar_t", "while", "xor", "xor_eq"};

/* The other keywords: C up to C23, C++ up to C++20. */
static const char *const keywords[] = {"_Alignas", "_Alignof", "_Atomic", "_BitInt", "_Bool",
	"_Complex", "_Decimal128", "_Decimal32", "_Decimal64", "_Float128", "_Float16", "_Float32",
	"_Float32x", "_Float64", "_Float64x", "_Generic", "_Imaginary", "_Noreturn", "_Pragma",
	"_Static_assert", "_Thread_local", "alignas", "alignof", "char16_t", "char32_t", "char8_t",
	"co_await", "co_return", "co_yield", "concept", "consteval", "constexpr", "constinit",
	"decltype", "export", "noexcept", "nullptr", "requires", "restrict", "static_assert",
	"thread_local", "typeof", "typeof_unqual"};

/* Object-like macros in lower case, of GNU C or of common headers. */
static const char *const macros[] = {"arm", "complex", "d_fileno", "errno", "h_errno", "i386",
	"imaginary", "linux", "mips", "noreturn", "s6_addr", "s6_addr16", "s6_addr32", "sa_handler",
	"sa_sigaction", "si_addr", "si_band", "si_fd", "si_int", "si_overrun", "si_pid", "si_ptr",
	"si_status", "si_stime", "si_timerid", "si_uid", "si_utime", "si_value",
	"sigev_notify_attributes", "sigev_notify_function", "sival_int", "sival_ptr", "sparc",
	"st_atime", "st_ctime", "st_mtime", "stderr", "stdin", "stdout", "sun", "unix", "vax"};

/* Types of generated structs' members, and of the parameters of their function pointers. */
static const char *const types[] = {"int32_t", "int64_t", "protobuf_c_boolean", "pyr_call",
	"size_t", "uint32_t", "uint64_t", "uint8_t"};

/* What api.c and source.c call parameters and locals. */
static const char *const parameters[] = {"call", "context", "ctx", "daemon", "err", "fn", "handle",
	"message", "object", "on_message", "on_reply", "on_request", "ops", "options", "proxy",
	"reference", "reply", "request", "ret_message", "ret_pending", "ret_proxy", "ret_reply",
	"ret_request", "ret_stream", "self", "status", "stream", "table", "value"};

/* The C library's and POSIX's names at file scope. */
static const char *const globals[] = {"BUFSIZ", "DIR", "E2BIG", "EACCES", "EADDRINUSE",
	"EADDRNOTAVAIL", "EADV", "EAFNOSUPPORT", "EAGAIN", "EALREADY", "EBADE", "EBADF", "EBADFD",
	"EBADMSG", "EBADR", "EBADRQC", "EBADSLT", "EBFONT", "EBUSY", "ECANCELED", "ECHILD",
	"ECHRNG", "ECOMM", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EDEADLK", "EDEADLOCK",
	"EDESTADDRREQ", "EDOM", "EDOTDOT", "EDQUOT", "EEXIST", "EFAULT", "EFBIG", "EHOSTDOWN",
	"EHOSTUNREACH", "EHWPOISON", "EIDRM", "EILSEQ", "EINPROGRESS", "EINTR", "EINVAL", "EIO",
	"EISCONN", "EISDIR", "EISNAM", "EKEYEXPIRED", "EKEYREJECTED", "EKEYREVOKED", "EL2HLT",
	"EL2NSYNC", "EL3HLT", "EL3RST", "ELIBACC", "ELIBBAD", "ELIBEXEC", "ELIBMAX", "ELIBSCN",
	"ELNRNG", "ELOOP", "EMEDIUMTYPE", "EMFILE", "EMLINK", "EMSGSIZE", "EMULTIHOP",
	"ENAMETOOLONG", "ENAVAIL", "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENFILE", "ENOANO",
	"ENOBUFS", "ENOCSI", "ENODATA", "ENODEV", "ENOENT", "ENOEXEC", "ENOKEY", "ENOLCK",
	"ENOLINK", "ENOMEDIUM", "ENOMEM", "ENOMSG", "ENONET", "ENOPKG", "ENOPROTOOPT", "ENOSPC",
	"ENOSR", "ENOSTR", "ENOSYS", "ENOTBLK", "ENOTCONN", "ENOTDIR", "ENOTEMPTY", "ENOTNAM",
	"ENOTRECOVERABLE", "ENOTSOCK", "ENOTSUP", "ENOTTY", "ENOTUNIQ", "ENXIO", "EOF",
	"EOPNOTSUPP", "EOVERFLOW", "EOWNERDEAD", "EPERM", "EPFNOSUPPORT", "EPIPE", "EPROTO",
	"EPROTONOSUPPORT", "EPROTOTYPE", "ERANGE", "EREMCHG", "EREMOTE", "EREMOTEIO", "ERESTART",
	"ERFKILL", "EROFS", "ESHUTDOWN", "ESOCKTNOSUPPORT", "ESPIPE", "ESRCH", "ESRMNT", "ESTALE",
	"ESTRPIPE", "ETIME", "ETIMEDOUT", "ETOOMANYREFS", "ETXTBSY", "EUCLEAN", "EUNATCH", "EUSERS",
	"EWOULDBLOCK", "EXDEV", "EXFULL", "FILE", "INFINITY", "NAN", "NULL", "POLLERR", "POLLHUP",
	"POLLIN", "POLLNVAL", "POLLOUT", "POLLPRI", "POLLRDBAND", "POLLRDNORM", "POLLWRBAND",
	"POLLWRNORM", "PRIX16", "PRIX32", "PRIX64", "PRIX8", "PRIXFAST16", "PRIXFAST32",
	"PRIXFAST64", "PRIXFAST8", "PRIXLEAST16", "PRIXLEAST32", "PRIXLEAST64", "PRIXLEAST8",
	"PRIXMAX", "PRIXPTR", "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT",
	"SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL",
	"SIGPROF", "SIGPWR", "SIGQUIT", "SIGRTMAX", "SIGRTMIN", "SIGSEGV", "SIGSTKFLT", "SIGSTOP",
	"SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1",
	"SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ", "SOMAXCONN", "WCONTINUED", "WEOF",
	"WEXITED", "WEXITSTATUS", "WIFCONTINUED", "WIFEXITED", "WIFSIGNALED", "WIFSTOPPED",
	"WNOHANG", "WNOWAIT", "WSTOPPED", "WSTOPSIG", "WTERMSIG", "WUNTRACED", "abort", "abs",
	"accept", "access", "acos", "acosf", "acosh", "acoshf", "acoshl", "acosl", "active_reg_t",
	"addrinfo", "aiocb", "alarm", "aligned_alloc", "alloca", "alphasort", "arm", "asctime",
	"asctime_r", "asin", "asinf", "asinh", "asinhf", "asinhl", "asinl", "assert",
	"at_quick_exit", "atan", "atan2", "atan2f", "atan2l", "atanf", "atanh", "atanhf", "atanhl",
	"atanl", "atexit", "atof", "atoi", "atol", "atoll", "basename", "bcmp", "bcopy", "bind",
	"blkcnt_t", "blksize_t", "brk", "bsearch", "btowc", "bzero", "c16rtomb", "c32rtomb",
	"call_once", "calloc", "cbrt", "cbrtf", "cbrtl", "ceil", "ceilf", "ceill", "chdir", "chmod",
	"chown", "clearerr", "clock", "clock_getcpuclockid", "clock_getres", "clock_gettime",
	"clock_nanosleep", "clock_settime", "clock_t", "clockid_t", "close", "closedir", "closelog",
	"cmsghdr", "complex", "confstr", "connect", "copysign", "copysignf", "copysignl", "cos",
	"cosf", "cosh", "coshf", "coshl", "cosl", "cpu_set_t", "creat", "crypt", "ctermid", "ctime",
	"ctime_r", "d_fileno", "daemon", "daylight", "dev_t", "difftime", "dirent", "dirfd",
	"dirname", "div", "div_t", "dlclose", "dlerror", "dlopen", "dlsym", "double_t", "dprintf",
	"dup", "dup2", "duplocale", "ecvt", "endhostent", "endnetent", "endprotoent", "endservent",
	"environ", "erf", "erfc", "erfcf", "erfcl", "erff", "erfl", "err", "errno", "error",
	"execl", "execle", "execlp", "execv", "execve", "execvp", "exit", "exp", "exp2", "exp2f",
	"exp2l", "expf", "expl", "expm1", "expm1f", "expm1l", "fabs", "fabsf", "fabsl", "faccessat",
	"fchdir", "fchmod", "fchmodat", "fchown", "fchownat", "fclose", "fcntl", "fcvt", "fd_set",
	"fdatasync", "fdim", "fdimf", "fdiml", "fdopen", "fdopendir", "feclearexcept", "fegetenv",
	"fegetexceptflag", "fegetround", "feholdexcept", "fenv_t", "feof", "feraiseexcept",
	"ferror", "fesetenv", "fesetexceptflag", "fesetround", "fetestexcept", "feupdateenv",
	"fexcept_t", "fexecve", "fflush", "ffs", "fgetc", "fgetpos", "fgets", "fgetwc", "fgetws",
	"fileno", "float_t", "flock", "flockfile", "floor", "floorf", "floorl", "fma", "fmaf",
	"fmal", "fmax", "fmaxf", "fmaxl", "fmemopen", "fmin", "fminf", "fminl", "fmod", "fmodf",
	"fmodl", "fnmatch", "fopen", "fork", "fpathconf", "fpclassify", "fpos_t", "fpregset_t",
	"fprintf", "fputc", "fputs", "fputwc", "fputws", "fread", "free", "freeaddrinfo",
	"freelocale", "freopen", "frexp", "frexpf", "frexpl", "fsblkcnt_t", "fscanf", "fseek",
	"fseeko", "fsetpos", "fsfilcnt_t", "fstat", "fstatat", "fsync", "ftell", "ftello", "ftok",
	"ftruncate", "ftrylockfile", "ftw", "funlockfile", "futimens", "fwide", "fwprintf",
	"fwrite", "fwscanf", "gai_strerror", "gamma", "gcvt", "getaddrinfo", "getc",
	"getc_unlocked", "getchar", "getchar_unlocked", "getcwd", "getdelim", "getegid", "getenv",
	"geteuid", "getgid", "getgrgid", "getgrgid_r", "getgrnam", "getgrnam_r", "getgroups",
	"gethostbyaddr", "gethostbyname", "gethostent", "gethostname", "getitimer", "getline",
	"getloadavg", "getlogin", "getlogin_r", "getnameinfo", "getnetbyaddr", "getnetbyname",
	"getnetent", "getopt", "getopt_long", "getpass", "getpeername", "getpgid", "getpgrp",
	"getpid", "getppid", "getprotobyname", "getprotobynumber", "getprotoent", "getpwnam",
	"getpwnam_r", "getpwuid", "getpwuid_r", "getservbyname", "getservbyport", "getservent",
	"getsid", "getsockname", "getsockopt", "getsubopt", "gettimeofday", "getuid", "getwc",
	"getwchar", "gid_t", "glob", "glob_t", "globfree", "gmtime", "gmtime_r", "greg_t",
	"gregset_t", "group", "h_errno", "hostent", "htonl", "htons", "hypot", "hypotf", "hypotl",
	"i386", "iconv", "iconv_close", "iconv_open", "iconv_t", "id_t", "idtype_t", "ilogb",
	"ilogbf", "ilogbl", "imaginary", "imaxabs", "imaxdiv", "imaxdiv_t", "in6_addr",
	"in6addr_any", "in6addr_loopback", "in_addr", "in_addr_t", "in_port_t", "index",
	"inet_addr", "inet_lnaof", "inet_makeaddr", "inet_netof", "inet_network", "inet_ntoa",
	"inet_ntop", "inet_pton", "ino_t", "int16_t", "int32_t", "int64_t", "int8_t",
	"int_fast16_t", "int_fast32_t", "int_fast64_t", "int_fast8_t", "int_least16_t",
	"int_least32_t", "int_least64_t", "int_least8_t", "intmax_t", "intptr_t", "iovec",
	"ipv6_mreq", "isalnum", "isalnum_l", "isalpha", "isalpha_l", "isatty", "isblank",
	"isblank_l", "iscntrl", "iscntrl_l", "isdigit", "isdigit_l", "isfinite", "isgraph",
	"isgraph_l", "isgreater", "isinf", "isless", "islower", "islower_l", "isnan", "isnormal",
	"isprint", "isprint_l", "ispunct", "ispunct_l", "isspace", "isspace_l", "isupper",
	"isupper_l", "iswalnum", "iswalnum_l", "iswalpha", "iswalpha_l", "iswblank", "iswblank_l",
	"iswcntrl", "iswcntrl_l", "iswctype", "iswctype_l", "iswdigit", "iswdigit_l", "iswgraph",
	"iswgraph_l", "iswlower", "iswlower_l", "iswprint", "iswprint_l", "iswpunct", "iswpunct_l",
	"iswspace", "iswspace_l", "iswupper", "iswupper_l", "iswxdigit", "iswxdigit_l", "isxdigit",
	"isxdigit_l", "itimerspec", "itimerval", "j0", "j1", "jmp_buf", "jn", "kill", "labs",
	"lchown", "lconv", "ldexp", "ldexpf", "ldexpl", "ldiv", "ldiv_t", "lgamma", "lgammaf",
	"lgammal", "linger", "link", "linkat", "linux", "lio_listio", "listen", "llabs", "lldiv",
	"lldiv_t", "llrint", "llrintf", "llrintl", "llround", "llroundf", "llroundl", "locale_t",
	"localeconv", "localtime", "localtime_r", "lockf", "log", "log10", "log10f", "log10l",
	"log1p", "log1pf", "log1pl", "log2", "log2f", "log2l", "logb", "logbf", "logbl", "logf",
	"logl", "longjmp", "lrint", "lrintf", "lrintl", "lround", "lroundf", "lroundl", "lseek",
	"lstat", "main", "malloc", "max_align_t", "mblen", "mbrlen", "mbrtoc16", "mbrtoc32",
	"mbrtowc", "mbsinit", "mbsnrtowcs", "mbsrtowcs", "mbstate_t", "mbstowcs", "mbtowc",
	"mcontext_t", "memchr", "memcmp", "memcpy", "memmove", "memset", "mips", "mkdir", "mkdirat",
	"mkdtemp", "mkfifo", "mkfifoat", "mkstemp", "mktime", "mlock", "mlockall", "mmap", "mode_t",
	"modf", "modff", "modfl", "mprotect", "mqd_t", "msgget", "msghdr", "msync", "munlock",
	"munlockall", "munmap", "nan", "nanf", "nanl", "nanosleep", "nearbyint", "nearbyintf",
	"nearbyintl", "newlocale", "nextafter", "nextafterf", "nextafterl", "nexttoward",
	"nexttowardf", "nexttowardl", "nfds_t", "nftw", "nice", "nlink_t", "noreturn", "ntohl",
	"ntohs", "off_t", "offsetof", "once_flag", "open", "open_memstream", "open_wmemstream",
	"openat", "opendir", "openlog", "optarg", "opterr", "optind", "optopt", "passwd",
	"pathconf", "pause", "pclose", "perror", "pid_t", "pipe", "poll", "pollfd", "popen", "pow",
	"powf", "powl", "pread", "printf", "protoent", "pselect", "psiginfo", "psignal",
	"ptrdiff_t", "putc", "putc_unlocked", "putchar", "putchar_unlocked", "puts", "putwc",
	"putwchar", "pwrite", "qsort", "quick_exit", "raise", "rand", "rand_r", "random",
	"re_pattern_buffer", "re_syntax_options", "read", "readdir", "readdir_r", "readlink",
	"readlinkat", "readv", "realloc", "recv", "recvfrom", "recvmsg", "reg_errcode_t",
	"reg_syntax_t", "regcomp", "regerror", "regex_t", "regexec", "regfree", "register_t",
	"regmatch_t", "regoff_t", "remainder", "remainderf", "remainderl", "remove", "remquo",
	"remquof", "remquol", "rename", "renameat", "rewind", "rewinddir", "rindex", "rint",
	"rintf", "rintl", "rmdir", "round", "roundf", "roundl", "s6_addr", "s6_addr16", "s6_addr32",
	"s_reg_t", "sa_family_t", "sa_handler", "sa_sigaction", "sbrk", "scalb", "scalbln",
	"scalblnf", "scalblnl", "scalbn", "scalbnf", "scalbnl", "scandir", "scanf", "sched_yield",
	"select", "semget", "semop", "send", "sendmsg", "sendto", "servent", "setbuf", "setegid",
	"setenv", "seteuid", "setgid", "sethostent", "setitimer", "setjmp", "setlinebuf",
	"setlocale", "setlogmask", "setnetent", "setpgid", "setprotoent", "setservent", "setsid",
	"setsockopt", "setuid", "setvbuf", "shm_open", "shm_unlink", "shmat", "shutdown", "si_addr",
	"si_band", "si_fd", "si_int", "si_overrun", "si_pid", "si_ptr", "si_status", "si_stime",
	"si_timerid", "si_uid", "si_utime", "si_value", "sig_atomic_t", "sigaction", "sigaddset",
	"sigdelset", "sigemptyset", "sigev_notify_attributes", "sigev_notify_function", "sigevent",
	"sigevent_t", "sigfillset", "siginfo_t", "sigismember", "sigjmp_buf", "siglongjmp",
	"signal", "signbit", "significand", "sigpending", "sigprocmask", "sigqueue", "sigset",
	"sigset_t", "sigsuspend", "sigtimedwait", "sigval", "sigwait", "sigwaitinfo", "sin", "sinf",
	"sinh", "sinhf", "sinhl", "sinl", "sival_int", "sival_ptr", "size_t", "sleep", "snprintf",
	"sockaddr", "sockaddr_in", "sockaddr_in6", "sockaddr_storage", "sockaddr_un", "sockatmark",
	"socket", "socketpair", "socklen_t", "sparc", "sprintf", "sqrt", "sqrtf", "sqrtl", "srand",
	"srandom", "sscanf", "ssize_t", "st_atime", "st_ctime", "st_mtime", "stack_t", "stat",
	"stderr", "stdin", "stdout", "stpcpy", "stpncpy", "strcasecmp", "strcasecmp_l", "strcat",
	"strchr", "strcmp", "strcoll", "strcoll_l", "strcpy", "strcspn", "strdup", "strerror",
	"strerror_l", "strerror_r", "strftime", "strftime_l", "strlen", "strncasecmp",
	"strncasecmp_l", "strncat", "strncmp", "strncpy", "strndup", "strnlen", "strpbrk",
	"strrchr", "strsep", "strsignal", "strspn", "strstr", "strtod", "strtof", "strtoimax",
	"strtok", "strtok_r", "strtol", "strtold", "strtoll", "strtoul", "strtoull", "strtoumax",
	"strxfrm", "strxfrm_l", "sun", "suseconds_t", "swab", "swprintf", "swscanf", "symlink",
	"symlinkat", "sync", "sysconf", "syslog", "system", "tan", "tanf", "tanh", "tanhf", "tanhl",
	"tanl", "tcgetpgrp", "tcsetpgrp", "tempnam", "tgamma", "tgammaf", "tgammal", "time",
	"time_t", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
	"timer_settime", "timer_t", "timespec", "timespec_get", "timeval", "timezone", "tm",
	"tmpfile", "tmpnam", "tolower", "tolower_l", "toupper", "toupper_l", "towctrans",
	"towctrans_l", "towlower", "towlower_l", "towupper", "towupper_l", "trunc", "truncate",
	"truncf", "truncl", "ttyname", "ttyname_r", "tzname", "tzset", "u_int16_t", "u_int32_t",
	"u_int64_t", "u_int8_t", "ualarm", "ucontext_t", "uid_t", "uint16_t", "uint32_t",
	"uint64_t", "uint8_t", "uint_fast16_t", "uint_fast32_t", "uint_fast64_t", "uint_fast8_t",
	"uint_least16_t", "uint_least32_t", "uint_least64_t", "uint_least8_t", "uintmax_t",
	"uintptr_t", "umask", "ungetc", "ungetwc", "unix", "unlink", "unlinkat", "unsetenv",
	"useconds_t", "uselocale", "usleep", "utimbuf", "utime", "utimensat", "utimes", "va_arg",
	"va_copy", "va_end", "va_list", "va_start", "vax", "vdprintf", "vfprintf", "vfscanf",
	"vfwprintf", "vfwscanf", "vprintf", "vscanf", "vsnprintf", "vsprintf", "vsscanf",
	"vswprintf", "vswscanf", "vwprintf", "vwscanf", "wait", "wait3", "wait4", "waitid",
	"waitpid", "warn", "wcpcpy", "wcpncpy", "wcrtomb", "wcscasecmp", "wcscasecmp_l", "wcscat",
	"wcschr", "wcscmp", "wcscoll", "wcscoll_l", "wcscpy", "wcscspn", "wcsdup", "wcsftime",
	"wcslen", "wcsncasecmp", "wcsncasecmp_l", "wcsncat", "wcsncmp", "wcsncpy", "wcsnlen",
	"wcsnrtombs", "wcspbrk", "wcsrchr", "wcsrtombs", "wcsspn", "wcsstr", "wcstod", "wcstof",
	"wcstoimax", "wcstok", "wcstol", "wcstold", "wcstoll", "wcstombs", "wcstoul", "wcstoull",
	"wcstoumax", "wcsxfrm", "wcsxfrm_l", "wctob", "wctomb", "wctrans", "wctrans_l", "wctrans_t",
	"wctype", "wctype_l", "wctype_t", "wint_t", "wmemchr", "wmemcmp", "wmemcpy", "wmemmove",
	"wmemset", "wprintf", "write", "writev", "wscanf", "y0", "y1", "yn"};

/* Families of names, by how they begin. */
static const char *const prefixes[] = {
	"PROTOBUF_C_", "PYR_", "ProtobufC", "protobuf_c_", "pthread_", "pyr_"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int compare(const void *key, const void *word)
{
	return strcmp(key, *(const char *const *)word);
}

static bool find(const char *name, const char *const *words, size_t count)
{
	return bsearch(name, words, count, sizeof(*words), compare) != NULL;
}

bool gen_reserved_protobuf_c(const char *name)
{
	return find(name, protobuf_c_keywords, COUNT(protobuf_c_keywords));
}

static bool is_keyword(const char *name)
{
	return gen_reserved_protobuf_c(name) || find(name, keywords, COUNT(keywords));
}

bool gen_reserved_member(const char *name)
{
	return is_keyword(name) || find(name, macros, COUNT(macros)) ||
	       find(name, types, COUNT(types));
}

bool gen_reserved_parameter(const char *name)
{
	return find(name, parameters, COUNT(parameters));
}

const char *gen_reserved_global(const char *name)
{
	if (is_keyword(name))
		return "is a keyword of C or C++";
	if (find(name, macros, COUNT(macros)))
		return "is a macro";
	if (find(name, globals, COUNT(globals)))
		return "belongs to the C library";
	if (name[0] == '_' && name[1] == '_')
		return "belongs to the compiler, as every name that begins with two underscores";
	for (size_t i = 0; i < COUNT(prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return "belongs to Pyrite, protobuf-c or POSIX, as every name that begins "
			       "so";
	}
	return NULL;
}

bool gen_reserved_sorted(void)
{
	static const struct {
		const char *const *words;
		size_t count;
	} tables[] = {
		{protobuf_c_keywords, COUNT(protobuf_c_keywords)},
		{keywords, COUNT(keywords)},
		{macros, COUNT(macros)},
		{types, COUNT(types)},
		{parameters, COUNT(parameters)},
		{globals, COUNT(globals)},
	};

	for (size_t t = 0; t < COUNT(tables); t++) {
		for (size_t i = 1; i < tables[t].count; i++) {
			if (strcmp(tables[t].words[i - 1], tables[t].words[i]) >= 0)
				return false;
		}
	}
	return true;
}
