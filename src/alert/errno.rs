//! POSIX errno values, and the class of each. A fault on a mounted share leaves nothing else.
//!
//! The numbers are Linux's (asm-generic/errno.h, errno-base.h); where those of macOS and the BSDs differ, they stand
//! beside them. Linux's cifs turns an NTSTATUS into one of these (fs/smb/client/smb2maperror.c): a wrong password
//! arrives as `EACCES`.

use super::finding::{Finding, findings};

/// The row of this Linux number.
pub(super) fn find(code: u32) -> Option<&'static Finding> {
    ROWS.binary_search_by_key(&code, |row| row.code).ok().map(|at| &ROWS[at])
}

/// The row of this number, on the system that the library was built for; Linux's numbers if that system has none.
pub(super) fn find_native(code: u32) -> Option<&'static Finding> {
    if cfg!(any(target_vendor = "apple", target_os = "freebsd", target_os = "openbsd", target_os = "netbsd"))
    {
        let linux = BSD.iter().find(|(bsd, _)| *bsd == code).map_or(code, |(_, linux)| *linux);
        // A number that Linux gives to another error, and that stands for none of ours there.
        if linux == code && code > 34 {
            return None;
        }
        return find(linux);
    }
    find(code)
}

pub(super) static ROWS: &[Finding] = findings! { Errno,
    1 EPERM 5 Authentication AfterFix "this is not permitted to the account" or ShareNotWritable by CheckAccess;
    2 ENOENT 2 Path AfterFix "there is nothing of that name; mount.cifs says it of a missing share" or General by LookUpPath;
    4 EINTR 0 General Soon "the call was interrupted";
    5 EIO 1117 General Unknown "an input or output error";
    6 ENXIO 0 Path AfterFix "there is no such device or address; older mount.cifs says it of a missing share" or Connectivity by ListShares;
    7 E2BIG 0 General Unknown "the argument list is too long";
    9 EBADF 6 General NewSession "the handle is not valid any more" or Connectivity by Reauthenticate;
    11 EAGAIN 0 General Soon "the resource is not available now" or Connectivity by ServerState;
    12 ENOMEM 8 General Later "out of memory";
    13 EACCES 5 Authentication AfterFix "the account may not do this; mount.cifs also says it of a wrong password" or ShareNotWritable by CheckAccess;
    14 EFAULT 0 General Unknown "a bad address in a call";
    16 EBUSY 170 General Soon "the device or folder is in use; the share may be mounted already" or Connectivity by CheckHandles;
    17 EEXIST 183 General AfterFix "something of that name is there already";
    18 EXDEV 17 Path AfterFix "source and target are on different volumes";
    19 ENODEV 0 General AfterFix "this host does not know the device or file system; is the cifs module there?" or Path by Context;
    20 ENOTDIR 267 Path AfterFix "a file where a folder is expected";
    21 EISDIR 5 Path AfterFix "a folder where a file is expected";
    22 EINVAL 87 Path AfterFix "an option or name is not valid" or General by Dialect;
    23 ENFILE 4 General Later "too many files are open";
    24 EMFILE 4 General Later "too many files are open";
    26 ETXTBSY 32 General Soon "the file is in use";
    27 EFBIG 223 General AfterFix "the file is larger than a limit; more space does not help" or OutOfCapacity by FreeSpace;
    28 ENOSPC 112 OutOfCapacity AfterFix "no space is left";
    30 EROFS 19 ShareNotWritable AfterFix "the file system is read-only";
    31 EMLINK 1142 General AfterFix "the file has as many hard links as the file system allows";
    32 EPIPE 109 Connectivity NewSession "the other end closed the connection";
    35 EDEADLK 0 General Soon "a lock would wait for itself";
    36 ENAMETOOLONG 206 Path AfterFix "the name or path is too long";
    37 ENOLCK 0 General Later "no locks are available";
    38 ENOSYS 1 General AfterFix "the call is not implemented";
    39 ENOTEMPTY 145 General AfterFix "the folder is not empty";
    40 ELOOP 0 Path AfterFix "too many symbolic links stand in the path";
    61 ENODATA 0 General AfterFix "there is no such attribute";
    62 ETIME 121 Connectivity Soon "a timer ran out";
    64 ENONET 1222 Connectivity Later "there is no network";
    67 ENOLINK 0 Connectivity NewSession "the link is gone";
    70 ECOMM 59 Connectivity NewSession "an error on the line";
    71 EPROTO 0 Connectivity NewSession "the other side broke the protocol" or General by Dialect;
    74 EBADMSG 0 General NewSession "a message is damaged" or Connectivity by Dialect;
    75 EOVERFLOW 0 General AfterFix "a value is too large";
    83 ELIBEXEC 0 General Unknown "a library cannot be run";
    84 EILSEQ 1113 Path AfterFix "the name is not valid in the character set";
    88 ENOTSOCK 0 General Unknown "no socket";
    90 EMSGSIZE 0 Connectivity NewSession "a message is too long";
    92 ENOPROTOOPT 0 General AfterFix "the protocol has no such option";
    93 EPROTONOSUPPORT 50 General AfterFix "the protocol is not supported" or Connectivity by Dialect;
    95 EOPNOTSUPP 50 General AfterFix "not supported: often a mismatch of SMB dialects" or Connectivity by Dialect;
    97 EAFNOSUPPORT 0 Connectivity AfterFix "this host has no such address family" or General by ResolveName;
    98 EADDRINUSE 1227 Connectivity Soon "no local port is free";
    99 EADDRNOTAVAIL 0 Connectivity AfterFix "the address is not valid here" or Path by ResolveName;
    100 ENETDOWN 1222 Connectivity Later "the network of this host is down";
    101 ENETUNREACH 1231 Connectivity Later "there is no route to the server's network";
    102 ENETRESET 64 Connectivity NewSession "the network dropped the connection";
    103 ECONNABORTED 1236 Connectivity NewSession "the connection was aborted";
    104 ECONNRESET 64 Connectivity NewSession "the peer reset the connection";
    105 ENOBUFS 1450 General Later "this host is short of buffers" or Connectivity by ServerState;
    107 ENOTCONN 2250 Connectivity NewSession "there is no connection";
    108 ESHUTDOWN 64 Connectivity NewSession "the connection was shut down";
    110 ETIMEDOUT 121 Connectivity Later "no answer in time";
    111 ECONNREFUSED 1225 Connectivity Later "nothing accepts connections on the port";
    112 EHOSTDOWN 1256 Connectivity Later "the server is down, or cannot agree on a dialect" or General by Dialect;
    113 EHOSTUNREACH 1232 Connectivity Later "there is no route to the server";
    114 EALREADY 0 Connectivity Soon "a connection is being made already";
    115 EINPROGRESS 0 Connectivity Later "the connection did not come about in time";
    116 ESTALE 64 Connectivity NewSession "the handle is stale: the server or the share was replaced" or Path by ListShares;
    117 EUCLEAN 1392 General AfterFix "the file system is damaged";
    121 EREMOTEIO 59 Connectivity NewSession "an input or output error on the other side" or General by ServerState;
    122 EDQUOT 1295 OutOfCapacity AfterFix "the disk quota is used up";
    123 ENOMEDIUM 1112 Path AfterFix "there is no medium in the drive";
    125 ECANCELED 995 General AfterFix "the operation was cancelled";
    126 ENOKEY 1312 Authentication AfterFix "there is no key or Kerberos ticket for the account";
    127 EKEYEXPIRED 0 Authentication AfterFix "the key or Kerberos ticket expired";
    128 EKEYREVOKED 0 Authentication AfterFix "the key was revoked";
    129 EKEYREJECTED 0 Authentication LockOut "the server rejected the key or password";
};

/// Numbers of macOS and the BSDs (sys/errno.h), and Linux's of the same name.
const BSD: &[(u32, u32)] = &[
    (11, 35),
    (35, 11),
    (36, 115),
    (37, 114),
    (45, 95),
    (48, 98),
    (49, 99),
    (50, 100),
    (51, 101),
    (52, 102),
    (53, 103),
    (54, 104),
    (55, 105),
    (57, 107),
    (58, 108),
    (60, 110),
    (61, 111),
    (62, 40),
    (63, 36),
    (64, 112),
    (65, 113),
    (66, 39),
    (69, 122),
    (70, 116),
    (77, 37),
    (78, 38),
    (89, 125),
];
