#include "tests/support/http_client.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace redthread {

std::string HttpRequestText(const std::string& method, const std::string& target, const std::string& body,
                            const HttpHeaders& headers) {
  std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST" || method == "PUT")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

std::string Gzip(std::string_view text) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS, kMemory = 8;
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

HttpClient::HttpClient(uint16_t port, const std::string& from)
    : socket_(TestSender::Kind::kTcp, port, from) {}

HttpResponse HttpClient::Request(const std::string& method, const std::string& target,
                                 const std::string& body, const HttpHeaders& headers) {
  Send(HttpRequestText(method, target, body, headers));
  return Receive(method != "HEAD");
}

HttpResponse HttpClient::Receive(bool has_body) {
  size_t head = 0;
  while ((head = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!socket_.Receive(&received_)) return {};
  }
  HttpResponse response;
  response.status = std::stoi(received_.substr(received_.find(' ') + 1, 3));
  for (size_t begin = received_.find("\r\n") + 2; begin < head;) {
    const size_t end = received_.find("\r\n", begin);
    const std::string line = received_.substr(begin, end - begin);
    std::string name = line.substr(0, line.find(':'));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    response.headers[name] = line.substr(line.find(':') + 2);
    begin = end + 2;
  }
  const size_t size = has_body && response.headers.count("content-length") > 0
                          ? std::stoul(response.headers["content-length"])
                          : 0;
  while (received_.size() < head + 4 + size) {
    if (!socket_.Receive(&received_)) return {};
  }
  response.body = received_.substr(head + 4, size);
  received_.erase(0, head + 4 + size);
  return response;
}

}  // namespace redthread
