// SPDX-License-Identifier: Apache-2.0
#include "api/auth.h"

#include <algorithm>

#include "base/digest.h"

namespace gpuscale::api {

namespace {

constexpr db::Migration kMigrations[] = {{1,
                                          "CREATE TABLE admin_password ("
                                          "  id INTEGER PRIMARY KEY CHECK (id = 1),"
                                          "  hash TEXT NOT NULL"
                                          ") STRICT;"
                                          "CREATE TABLE token ("
                                          "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                          "  name TEXT NOT NULL UNIQUE,"
                                          "  digest TEXT NOT NULL UNIQUE,"
                                          "  scopes TEXT NOT NULL,"
                                          "  created_ns INTEGER NOT NULL"
                                          ") STRICT;"}};

constexpr std::size_t kMinPassword = 8;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxVerdicts = 256;
constexpr std::string_view kAdmin = "admin";

std::string stored_form(Scopes scopes) {
  std::string out;
  for (const std::string& name : scopes.names()) out += (out.empty() ? "" : " ") + name;
  return out;
}

Result<Scopes> from_stored_form(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    names.emplace_back(text.substr(0, blank));
    text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
  }
  return Scopes::parse(names);
}

Error wrong_credentials() {
  return fail(Errc::kUnauthenticated, "authorization failed");
}

}  // namespace

Result<Auth::Opened> Auth::open(db::Database& database, const Clock& clock, AuthOptions options) {
  GS_CHECK(database.migrate("auth", kMigrations));
  std::unique_ptr<Auth> auth(new Auth(database, clock, options.mode));
  GS_CHECK(auth->load_tokens());
  // Without authentication no password is made: nobody would be there to read it.
  if (options.mode == AuthMode::kOff && !options.admin_password) return Opened{std::move(auth), std::nullopt};
  GS_TRY(std::optional<Secret> generated, auth->settle_password(options.admin_password));
  return Opened{std::move(auth), std::move(generated)};
}

Result<std::optional<Secret>> Auth::settle_password(const std::optional<Secret>& given) {
  if (given && given->reveal().size() < kMinPassword) {
    return fail(Errc::kInvalidArgument,
                "GPUSCALE_ADMIN_PASSWORD has fewer than 8 characters; choose a longer one or unset it");
  }
  GS_TRY(const std::string stored, database_.read<std::string>([](db::Transaction& t) -> Result<std::string> {
    GS_TRY(db::Statement select, t.prepare("SELECT hash FROM admin_password"));
    GS_TRY(const bool row, select.step());
    return row ? select.text(0) : std::string();
  }));
  const bool keep = given ? base::verify_password(given->reveal(), stored) : !stored.empty();
  if (keep) {
    password_hash_ = stored;
    return std::optional<Secret>();
  }
  const Secret password = given ? *given : Secret(base::random_hex(12));
  const std::string hash = base::hash_password(password.reveal());
  GS_CHECK(database_.transact([&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement insert, t.prepare("INSERT OR REPLACE INTO admin_password (id, hash) VALUES (1, ?)"));
    return insert.bind(1, hash).run();
  }));
  password_hash_ = hash;
  return given ? std::optional<Secret>() : std::optional<Secret>(password);
}

Result<void> Auth::load_tokens() {
  return database_.transact([this](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement select, t.prepare("SELECT id, name, digest, scopes, created_ns FROM token"));
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) return {};
      GS_TRY(const Scopes scopes, from_stored_form(select.text(3)));
      tokens_[select.text(2)] =
          TokenInfo{select.integer(0), select.text(1), scopes, base::from_unix_nanos(select.integer(4))};
    }
  });
}

Result<Principal> Auth::authenticate(const std::optional<Credentials>& credentials) {
  if (mode_ == AuthMode::kOff) return Principal{"anonymous", {Scope::kAdmin}};
  if (!credentials) return fail(Errc::kUnauthenticated, "unable to parse authentication credentials");
  {
    const std::string digest = base::sha256_hex(credentials->secret.reveal());
    const std::shared_lock lock(tokens_mutex_);
    if (const auto found = tokens_.find(digest); found != tokens_.end()) {
      return Principal{"token " + found->second.name, found->second.scopes};
    }
  }
  if (const auto held = sessions_.find(credentials->secret, clock_.mono())) return authenticate(held);
  if (credentials->user != kAdmin || !password_fits(credentials->secret)) return wrong_credentials();
  return Principal{std::string(kAdmin), {Scope::kAdmin}};
}

Result<Auth::OpenedSession> Auth::open_session(const Credentials& credentials, const std::string& peer,
                                               const std::string& browser) {
  GS_TRY(Principal principal, authenticate(credentials));
  Secret id = sessions_.open({credentials, principal.name, peer, browser, clock_.wall()}, clock_.mono());
  return OpenedSession{std::move(id), std::move(principal)};
}

bool Auth::password_fits(const Secret& password) {
  const std::string digest = base::sha256_hex(password.reveal());
  const auto remembered = [&]() -> std::optional<bool> {
    const std::scoped_lock lock(verdicts_mutex_);
    const auto found = verdicts_.find(digest);
    if (found == verdicts_.end() || found->second.until <= clock_.mono()) return std::nullopt;
    return found->second.good;
  };
  if (const auto verdict = remembered()) return *verdict;
  const std::scoped_lock one_at_a_time(scrypt_mutex_);
  if (const auto verdict = remembered()) return *verdict;
  const bool good = base::verify_password(password.reveal(), password_hash_);
  const std::scoped_lock lock(verdicts_mutex_);
  if (verdicts_.size() >= kMaxVerdicts) {
    // Guesses must not push out the one that is right.
    std::erase_if(verdicts_, [](const auto& entry) { return !entry.second.good; });
  }
  verdicts_[digest] = Verdict{good, clock_.mono() + kRemembered};
  return good;
}

Result<CreatedToken> Auth::create_token(const std::string& name, Scopes scopes) {
  if (name.empty() || name.size() > kMaxName) {
    return fail(Errc::kInvalidArgument,
                "a token's name has 1 to 64 bytes, this one " + std::to_string(name.size()));
  }
  Secret token("gs_" + base::random_secret().reveal());
  GS_TRY(TokenInfo info, insert_token(name, scopes, base::sha256_hex(token.reveal()), false));
  return CreatedToken{std::move(info), std::move(token)};
}

Result<void> Auth::ensure_token(const std::string& name, Scopes scopes, const Secret& token) {
  const std::string digest = base::sha256_hex(token.reveal());
  {
    const std::shared_lock lock(tokens_mutex_);
    const auto found = tokens_.find(digest);
    if (found != tokens_.end() && found->second.name == name && found->second.scopes == scopes) return {};
  }
  GS_CHECK(insert_token(name, scopes, digest, true));
  return {};
}

Result<TokenInfo> Auth::insert_token(const std::string& name, Scopes scopes, const std::string& digest,
                                     bool replace) {
  const std::unique_lock lock(tokens_mutex_);
  const auto same_name = [&](const auto& entry) { return entry.second.name == name; };
  const bool taken = std::any_of(tokens_.begin(), tokens_.end(), same_name);
  if (taken && !replace) {
    return fail(Errc::kConflict,
                "there is a token \"" + name + "\" already; revoke it or choose another name");
  }
  if (tokens_.size() >= kMaxTokens && !taken) {
    return fail(Errc::kExhausted, "there are 1000 tokens already; revoke some");
  }
  TokenInfo info{0, name, scopes, clock_.wall()};
  const auto write = [&](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement drop, t.prepare("DELETE FROM token WHERE name = ?1 OR digest = ?2"));
    GS_CHECK(drop.bind(1, name).bind(2, digest).run());
    GS_TRY(db::Statement insert,
           t.prepare("INSERT INTO token (name, digest, scopes, created_ns) VALUES (?, ?, ?, ?)"));
    GS_CHECK(insert.bind(1, name)
                 .bind(2, digest)
                 .bind(3, stored_form(scopes))
                 .bind(4, base::to_unix_nanos(info.created))
                 .run());
    info.id = t.last_insert_id();
    return {};
  };
  GS_CHECK(database_.transact(write));
  std::erase_if(tokens_, same_name);
  tokens_[digest] = info;
  return info;
}

std::vector<TokenInfo> Auth::tokens() const {
  std::vector<TokenInfo> list;
  {
    const std::shared_lock lock(tokens_mutex_);
    for (const auto& [digest, info] : tokens_) list.push_back(info);
  }
  std::sort(list.begin(), list.end(), [](const TokenInfo& a, const TokenInfo& b) { return a.id < b.id; });
  return list;
}

Result<void> Auth::revoke_token(std::int64_t id) {
  const std::unique_lock lock(tokens_mutex_);
  const auto found =
      std::find_if(tokens_.begin(), tokens_.end(), [id](const auto& entry) { return entry.second.id == id; });
  if (found == tokens_.end()) return fail(Errc::kNotFound, "no token with id " + std::to_string(id));
  GS_CHECK(database_.transact([id](db::Transaction& t) -> Result<void> {
    GS_TRY(db::Statement drop, t.prepare("DELETE FROM token WHERE id = ?"));
    return drop.bind(1, id).run();
  }));
  sessions_.close_all_of(found->first);
  tokens_.erase(found);
  return {};
}

}  // namespace gpuscale::api
