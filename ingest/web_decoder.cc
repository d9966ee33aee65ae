#include "ingest/web_decoder.h"

#include <algorithm>

#include "core/text.h"

namespace redthread {

namespace {

constexpr size_t kMaxBeforeTime =
    512;  // bytes of client, user and host names in front of an access log's time

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

// The text of "..." at the beginning of *text, still escaped, which is taken off with a space behind it. A
// quote that has no end ends with the line, which then was cut. False when no quote stands there.
bool TakeQuoted(std::string_view* text, std::string_view* quoted) {
  if (!text->starts_with('"')) return false;
  size_t end = 1;
  while (end < text->size() && (*text)[end] != '"') end += (*text)[end] == '\\' ? 2 : 1;
  end = std::min(end, text->size());
  *quoted = text->substr(1, end - 1);
  text->remove_prefix(std::min(end + 1, text->size()));
  TakePrefix(" ", text);
  return true;
}

// Takes the backslash off a quote and off itself. Other bytes stay as the server wrote them (\xe4), so that
// they are still told from what the client sent.
std::string_view Unescape(std::string_view raw, Event* event) {
  if (raw.find("\\\"") == std::string_view::npos && raw.find("\\\\") == std::string_view::npos) return raw;
  char* const out = event->arena().Allocate(raw.size());
  size_t size = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size() && (raw[i + 1] == '"' || raw[i + 1] == '\\')) ++i;
    out[size++] = raw[i];
  }
  event->arena().Shrink(out, size);
  return {out, size};
}

// "[..] " at the beginning of *text.
bool TakeBracketed(std::string_view* text, std::string_view* inner) {
  const size_t close = text->find(']');
  if (!text->starts_with('[') || close == std::string_view::npos) return false;
  *inner = text->substr(1, close - 1);
  text->remove_prefix(close + 1);
  TakePrefix(" ", text);
  return true;
}

// "192.0.2.1:5", "[2001:db8::1]:5", "2001:db8::1": what of it is the address, and the port behind it if any.
std::string_view SplitPort(std::string_view peer, std::string_view* port) {
  const size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return peer;
  if (peer.front() == '[' && colon > 1 && peer[colon - 1] == ']') {
    *port = peer.substr(colon + 1);
    return peer.substr(1, colon - 2);
  }
  if (peer.find(':') != colon) return peer;
  *port = peer.substr(colon + 1);
  return peer.substr(0, colon);
}

// The value behind `name` in nginx' ", name: value, ..", without its quotes.
std::string_view NginxValue(std::string_view text, std::string_view name) {
  const size_t at = text.rfind(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  std::string_view value;
  return TakeQuoted(&text, &value) ? value : text.substr(0, text.find(','));
}

bool IsClient(std::string_view word) {
  TakePrefix(" ", &word);
  std::string_view port;
  return !word.empty() && ParseIpAddress(SplitPort(word, &port)).has_value();
}

// X-Forwarded-For: what the nearest proxy appended is an address, or the first one is. What stands further
// left anybody may have written.
bool NamesClients(std::string_view value) {
  if (value.find('.') == std::string_view::npos && value.find(':') == std::string_view::npos) return false;
  const size_t comma = value.rfind(',');
  return IsClient(value.substr(comma == std::string_view::npos ? 0 : comma + 1)) ||
         IsClient(value.substr(0, value.find(',')));
}

}  // namespace

WebDecoder::WebDecoder(const FieldTable& fields)
    : c_ip_(fields, "c-ip"),
      c_port_(fields, "c-port"),
      cs_username_(fields, "cs-username"),
      cs_host_(fields, "cs-host"),
      s_port_(fields, "s-port"),
      cs_method_(fields, "cs-method"),
      cs_uri_(fields, "cs-uri"),
      cs_uri_stem_(fields, "cs-uri-stem"),
      cs_uri_query_(fields, "cs-uri-query"),
      cs_version_(fields, "cs-version"),
      sc_status_(fields, "sc-status"),
      sc_bytes_(fields, "sc-bytes"),
      cs_referer_(fields, "cs-referer"),
      cs_user_agent_(fields, "cs-user-agent"),
      forwarded_for_(fields, "x-forwarded-for"),
      time_taken_(fields, "time-taken"),
      dataset_(fields, "event.dataset"),
      level_(fields, "level"),
      module_(fields, "module"),
      component_(fields, "component"),
      procid_(fields, "procid"),
      pid_(fields, "pid"),
      tid_(fields, "tid"),
      server_(fields, "server"),
      message_(fields, "message") {}

// ---- access logs

size_t WebDecoder::FindAccessTime(std::string_view text) {
  const std::string_view head = text.substr(0, kMaxBeforeTime);
  for (size_t at = head.find(" ["); at != std::string_view::npos; at = head.find(" [", at + 1)) {
    // "[17/May/2015:": nothing else looks like it.
    if (at + 16 < text.size() && IsDigit(text[at + 3]) && text[at + 4] == '/' && text[at + 8] == '/' &&
        text[at + 13] == ':')
      return at + 1;
  }
  return std::string_view::npos;
}

bool WebDecoder::ReadAccess(std::string_view text, WallTime* time, Event* event) const {
  const size_t begin = FindAccessTime(text);
  if (begin == std::string_view::npos || begin < 2) return false;
  std::string_view rest = text.substr(begin + 1);
  std::string_view request;
  if (!TakeClfTime(&rest, time) || !TakePrefix("] ", &rest) || !TakeQuoted(&rest, &request)) return false;
  const std::string_view status = TakeUntil(' ', &rest);
  if (status.size() != 3 || !IsPlainNumber(status)) {
    if (status != "-" && status != "000") return false;
  }
  AddClient(text.substr(0, begin - 1), event);
  AddRequest(Unescape(request, event), event);
  AddNumber(sc_status_, status, event);
  const std::string_view bytes = TakeUntil(' ', &rest);
  if (!bytes.empty() && bytes != "-") AddNumber(sc_bytes_, bytes, event);
  AddExtras(rest, event);
  return true;
}

// "CLIENT IDENT USER", or with a virtual host in front. A user's name may hold spaces.
void WebDecoder::AddClient(std::string_view before_time, Event* event) const {
  std::string_view client = TakeUntil(' ', &before_time);
  const std::string_view second = before_time.substr(0, before_time.find(' '));
  if (std::count(before_time.begin(), before_time.end(), ' ') >= 2 && second != "-" &&
      ParseIpAddress(second).has_value()) {
    std::string_view port;
    AddText(cs_host_, SplitPort(client, &port), event);
    if (!port.empty()) AddNumber(s_port_, port, event);
    client = TakeUntil(' ', &before_time);
  }
  AddText(c_ip_, client, event);
  TakeUntil(' ', &before_time);  // identd's answer, which nobody asks for any more
  AddKnown(cs_username_, before_time, event);
}

// "GET /x?y HTTP/1.1". What is no request (a TLS handshake on a plain port, "-") is all taken for the
// address, so that rules which look there see it.
void WebDecoder::AddRequest(std::string_view request, Event* event) const {
  const size_t space = request.find(' ');
  std::string_view method = "-", uri = request, version;
  if (space != std::string_view::npos && space > 0 && space < 32 &&
      std::all_of(
          request.begin(), request.begin() + static_cast<ptrdiff_t>(space),
          [](char c) { return IsUpper(c) || c == '-' || c == '_'; })) {
    method = request.substr(0, space);
    uri = request.substr(space + 1);
    if (const size_t last = uri.rfind(" HTTP/"); last != std::string_view::npos) {
      version = uri.substr(last + 1);
      uri = uri.substr(0, last);
    }
  }
  AddText(cs_method_, method, event);
  if (!version.empty()) AddText(cs_version_, version, event);
  AddText(cs_uri_, uri, event);
  const size_t question = uri.find('?');
  AddText(cs_uri_stem_, uri.substr(0, question), event);
  AddText(cs_uri_query_,
          question == std::string_view::npos ? uri.substr(uri.size()) : uri.substr(question + 1), event);
}

// What stands behind status and size: "referer" "agent" in the combined format, and what servers add to it.
void WebDecoder::AddExtras(std::string_view rest, Event* event) const {
  std::string_view value;
  if (TakeQuoted(&rest, &value)) {
    AddKnown(cs_referer_, Unescape(value, event), event);
    if (TakeQuoted(&rest, &value)) AddText(cs_user_agent_, Unescape(value, event), event);
  }
  bool timed = false;
  for (int n = 0; n < 8 && !rest.empty(); ++n) {
    if (TakeQuoted(&rest, &value)) {
      if (NamesClients(value)) AddText(forwarded_for_, value, event);
      continue;
    }
    value = TakeUntil(' ', &rest);
    TakePrefix("rt=", &value);
    if (timed || value.empty() ||
        !std::all_of(value.begin(), value.end(), [](char c) { return IsDigit(c) || c == '.'; }))
      continue;
    AddText(time_taken_, value, event);
    timed = true;
  }
}

// ---- error logs

bool WebDecoder::ReadError(std::string_view text, WallTime* time, Event* event) const {
  return text.starts_with('[') ? ReadApacheError(text, time, event) : ReadNginxError(text, time, event);
}

bool WebDecoder::ReadApacheError(std::string_view text, WallTime* time, Event* event) const {
  std::string_view rest = text;
  if (!TakePrefix("[", &rest) || !TakeCtime(&rest, time) || !TakePrefix("] ", &rest)) return false;
  std::string_view level, inner;
  if (!TakeBracketed(&rest, &level)) return false;
  AddText(dataset_, "apache.error", event);
  if (const size_t colon = level.find(':'); colon != std::string_view::npos) {
    AddKnown(module_, level.substr(0, colon), event);
    level.remove_prefix(colon + 1);
  }
  AddText(level_, level, event);
  if (rest.starts_with("[pid ") && TakeBracketed(&rest, &inner)) {
    inner.remove_prefix(4);
    const std::string_view pid = TakeUntil(':', &inner);
    AddAlias(pid_, AddNumber(procid_, pid, event), event);
    if (TakePrefix("tid ", &inner)) AddNumber(tid_, inner, event);
  }
  // An IPv6 address with its port has brackets of its own.
  if (const size_t close = rest.find("] "); rest.starts_with("[client ") && close != std::string_view::npos) {
    std::string_view port;
    const std::string_view address = SplitPort(rest.substr(8, close - 8), &port);
    AddText(c_ip_, address, event);
    if (!port.empty()) AddNumber(c_port_, port, event);
  }
  AddText(message_, rest, event);
  return true;
}

bool WebDecoder::ReadNginxError(std::string_view text, WallTime* time, Event* event) const {
  std::string_view rest = text;
  std::string_view level;
  if (!TakeSlashedTime(&rest, time) || !TakePrefix(" ", &rest) || !TakeBracketed(&rest, &level)) return false;
  const std::string_view process = rest.substr(0, std::min<size_t>(rest.find(": "), 32));
  const size_t hash = process.find('#');
  if (hash == std::string_view::npos || !IsPlainNumber(process.substr(0, hash))) return false;
  AddText(dataset_, "nginx.error", event);
  AddText(level_, level, event);
  AddAlias(pid_, AddNumber(procid_, process.substr(0, hash), event), event);
  AddNumber(tid_, process.substr(hash + 1), event);
  rest.remove_prefix(std::min(process.size() + 2, rest.size()));
  AddText(message_, rest, event);
  AddKnown(c_ip_, NginxValue(rest, ", client: "), event);
  AddKnown(server_, NginxValue(rest, ", server: "), event);
  if (const auto request = NginxValue(rest, ", request: "); !request.empty()) AddRequest(request, event);
  AddKnown(cs_host_, NginxValue(rest, ", host: "), event);
  AddKnown(cs_referer_, NginxValue(rest, ", referrer: "), event);
  return true;
}

// ---- CBS.log: columns of 22 and 6 characters

bool WebDecoder::ReadCbs(std::string_view text, WallTime* time, Event* event) const {
  std::string_view rest = text;
  if (!TakeIsoTime(&rest, time) || !TakePrefix(", ", &rest)) return false;
  const std::string_view level = TakeUntil(' ', &rest);
  if (level.empty() || !IsUpper(level.front())) return false;
  while (TakePrefix(" ", &rest)) {
  }
  const std::string_view component = rest.substr(0, rest.find(' '));
  AddText(level_, level, event);
  AddKnown(component_, component, event);
  rest.remove_prefix(std::min(std::max<size_t>(component.size(), 6) + 1, rest.size()));
  AddText(message_, rest, event);
  return true;
}

}  // namespace redthread
