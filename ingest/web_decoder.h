// WebDecoder: the access and error logs of web servers -> fields, under W3C's names as Sigma's rules use
// them.
//
//   access   [VHOST[:PORT] ]CLIENT IDENT USER [17/May/2015:10:05:03 +0000] "GET /x?y HTTP/1.1" 200 2326
//            and, where there are: "REFERER" "USER AGENT", an X-Forwarded-For in quotes, a request time
//   apache   [Sun Dec 04 04:47:44.123456 2005] [core:error] [pid 9:tid 7] [client 192.0.2.1:5] AH00124: text
//   nginx    2015/05/17 10:05:03 [error] 9#7: *1 text, client: 192.0.2.1, server: s, request: "GET /
//   HTTP/1.1", .. cbs      2016-09-28 04:30:30, Info                  CBS    text Windows' CBS.log
//
// Source: Apache 2.4, mod_log_config and "ErrorLogFormat"; nginx, ngx_http_log_module and ngx_log.c.
#pragma once

#include <string_view>

#include "core/event.h"
#include "ingest/text_field.h"
#include "ingest/text_time.h"

namespace redthread {

// One per thread.
class WebDecoder {
 public:
  explicit WebDecoder(const FieldTable& fields);

  // Where in a line its "[17/May/2015:" begins; npos when it is no access log's. Looks at the beginning only.
  static size_t FindAccessTime(std::string_view text);

  // Each adds the fields of a line and sets *time; false when the line is not of that kind, in which case
  // some fields may have been added.
  bool ReadAccess(std::string_view text, WallTime* time, Event* event) const;
  bool ReadError(std::string_view text, WallTime* time, Event* event) const;
  bool ReadCbs(std::string_view text, WallTime* time, Event* event) const;

 private:
  bool ReadApacheError(std::string_view text, WallTime* time, Event* event) const;
  bool ReadNginxError(std::string_view text, WallTime* time, Event* event) const;
  void AddClient(std::string_view before_time, Event* event) const;
  void AddRequest(std::string_view request, Event* event) const;
  void AddExtras(std::string_view rest, Event* event) const;

  TextField c_ip_, c_port_, cs_username_, cs_host_, s_port_, cs_method_, cs_uri_, cs_uri_stem_, cs_uri_query_,
      cs_version_, sc_status_, sc_bytes_, cs_referer_, cs_user_agent_, forwarded_for_, time_taken_;
  TextField dataset_, level_, module_, component_, procid_, pid_, tid_, server_, message_;
};

}  // namespace redthread
