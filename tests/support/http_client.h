// An HTTP client of tests: whatever bytes a test wants to send, and answers taken apart.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/sockets.h"

namespace redthread {

struct HttpResponse {
  int status = 0;  // 0: the connection ended, or nothing came within half a minute
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The bytes of a request, with its Host and Content-Length.
std::string HttpRequestText(const std::string& method, const std::string& target,
                            const std::string& body = "", const HttpHeaders& headers = {});

// gzip of it.
std::string Gzip(std::string_view text);

// One connection.
class HttpClient {
 public:
  explicit HttpClient(uint16_t port, const std::string& from = "127.0.0.1");

  // Sends a request and waits for its answer.
  HttpResponse Request(const std::string& method, const std::string& target, const std::string& body = "",
                       const HttpHeaders& headers = {});
  HttpResponse Post(const std::string& target, const std::string& body, const HttpHeaders& headers = {}) {
    return Request("POST", target, body, headers);
  }

  // Sends nothing more; the other side sees the end.
  void EndSending() { socket_.EndSending(); }
  bool Send(std::string_view bytes) { return socket_.Send(bytes); }
  // The next answer. `has_body`: false of one to HEAD.
  HttpResponse Receive(bool has_body = true);
  // Whether something has come, or the connection has ended.
  bool HasNews() { return !received_.empty() || socket_.HasNews(); }
  // Whether the other side closes the connection, and says nothing more.
  bool IsClosed() { return received_.empty() && socket_.IsClosed(); }

 private:
  TestSender socket_;
  std::string received_;
};

}  // namespace redthread
