// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <vector>

namespace gpuscale::base {
namespace {

constexpr std::size_t kScryptSaltBytes = 16;
constexpr std::size_t kScryptHashBytes = 32;
constexpr std::string_view kScryptPrefix = "scrypt$";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(count * 2);
  for (std::size_t i = 0; i < count; ++i) {
    out += kDigits[bytes[i] >> 4U];
    out += kDigits[bytes[i] & 15U];
  }
  return out;
}

std::string scrypt_hex(std::string_view password, std::string_view salt) {
  std::array<unsigned char, kScryptHashBytes> out{};
  constexpr std::uint64_t kMaxMemory = 64ULL << 20U;
  if (EVP_PBE_scrypt(password.data(), password.size(), bytes_of(salt), salt.size(), 16384, 8, 1, kMaxMemory,
                     out.data(), out.size()) != 1) {
    std::abort();
  }
  return hex(out.data(), out.size());
}

}  // namespace

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> buffer(bytes);
  if (RAND_bytes(buffer.data(), static_cast<int>(bytes)) != 1) std::abort();
  return hex(buffer.data(), buffer.size());
}

Secret random_secret() {
  return Secret{random_hex(24)};
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr) != 1) std::abort();
  return hex(out.data(), size);
}

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), out.data(),
           &size) == nullptr) {
    std::abort();
  }
  return hex(out.data(), size);
}

std::string hash_password(std::string_view password) {
  const std::string salt = random_hex(kScryptSaltBytes);
  return std::string(kScryptPrefix) + salt + "$" + scrypt_hex(password, salt);
}

bool verify_password(std::string_view password, std::string_view stored) {
  if (!stored.starts_with(kScryptPrefix)) return false;
  stored.remove_prefix(kScryptPrefix.size());
  const auto split = stored.find('$');
  if (split == std::string_view::npos) return false;
  return equal_in_constant_time(scrypt_hex(password, stored.substr(0, split)), stored.substr(split + 1));
}

std::string base64_encode(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes),
                  static_cast<int>(bytes.size()));
  return out;
}

std::string base64_decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return {};
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                                   static_cast<int>(text.size()));
  if (size < 0) return {};
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace gpuscale::base
