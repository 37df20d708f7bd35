"""Writes and takes apart DER, for the generators of vectors."""


def tlv(tag, body):
    n = len(body)
    length = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + body


def children(body):
    while body:
        n, at = body[1], 2
        if n & 0x80:
            at += n & 0x7F
            n = int.from_bytes(body[2:at], "big")
        yield body[0], body[at : at + n]
        body = body[at + n :]


def sequence(*parts):
    return tlv(0x30, b"".join(parts))


def integer(value):
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(text):
    first, second, *arcs = map(int, text.split("."))
    body = bytes([40 * first + second])
    for arc in arcs:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.insert(0, 0x80 | arc & 0x7F)
        body += bytes(digits)
    return tlv(0x06, body)
