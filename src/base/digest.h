// SPDX-License-Identifier: Apache-2.0
/// Random ids and one-way digests, by OpenSSL. Secrets that we make have 192 random bits, so one SHA-256
/// protects them at rest; passwords that people choose go through scrypt (RFC 7914).
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace gpuscale::base {

/// Lower-case hex of `bytes` random bytes; aborts where the system has no entropy source.
std::string random_hex(std::size_t bytes);
/// A fresh 48-digit hex secret (192 bits).
Secret random_secret();

/// Lower-case hex SHA-256 of `text`.
std::string sha256_hex(std::string_view text);
/// Lower-case hex HMAC-SHA256 of `text` under `key`.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);

/// "scrypt$<salt hex>$<hash hex>" with N=16384, r=8, p=1 (RFC 7914's interactive setting, about 50 ms).
std::string hash_password(std::string_view password);
/// Whether `password` made `stored`; false too for a `stored` of another form. Constant time in the hash.
bool verify_password(std::string_view password, std::string_view stored);

/// Standard base64 (RFC 4648) with padding; decode returns empty on anything else.
std::string base64_encode(std::string_view bytes);
std::string base64_decode(std::string_view text);

}  // namespace gpuscale::base
