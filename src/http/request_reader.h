// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a request as it arrives. Beast's parser knows HTTP/1.1; what it finds goes into ours
/// at once.
#pragma once
#include <boost/beast/http/basic_parser.hpp>
#include <string>
#include <string_view>

#include "http/message.h"

namespace gpuscale::http {

/// put() it bytes until is_done(), then take(). reuse(), before the first, has it take the memory of an
/// earlier request.
class RequestReader final : public boost::beast::http::basic_parser<true> {
 public:
  unsigned version() const { return version_; }  ///< 10 or 11
  /// All but who sent it and how. The absolute form of a target is understood.
  Request take() { return std::move(request_); }
  void reuse(Request cleared) { request_ = std::move(cleared); }
  const Request& head() const { return request_; }

 private:
  using Error = boost::beast::error_code;
  using Text = boost::beast::string_view;
  using Verb = boost::beast::http::verb;

  void on_request_impl(Verb method, Text name, Text target, int version, Error& error) override;
  void on_response_impl(int, Text, int, Error&) override {}
  void on_field_impl(boost::beast::http::field, Text name, Text value, Error& error) override;
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Error& error) override;
  std::size_t on_body_impl(Text bytes, Error& error) override;
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Error& error) override;
  void on_finish_impl(Error&) override {}

  Request request_;
  unsigned version_ = 11;
};

}  // namespace gpuscale::http
