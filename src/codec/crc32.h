/* CRC-32 as in zlib, gzip and Ethernet: against damage, not against malice. */
#ifndef CODEC_CRC32_H
#define CODEC_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_of(const void *, size_t n);

#endif
