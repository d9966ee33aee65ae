// HttpAnswer: what a request is answered with.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace redthread {

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;  // besides those that every answer has
};

}  // namespace redthread
