#include "ingest/audit_decoder.h"

#include <arpa/inet.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "core/text.h"
#include "ingest/audit_names.h"

namespace redthread {

namespace {

// Between what the kernel or a program said and what auditd adds (log_format = ENRICHED); the same as rsyslog
// writes it.
constexpr char kGroupSeparator = '\x1d';
constexpr std::string_view kEscapedSeparator = "#035";

// Fields that are text in quotes or, where that holds a quote, a space or a control character, in
// hexadecimal. Source: auparse/typetab.h, AUPARSE_TYPE_ESCAPED and its kin.
constexpr std::string_view kEncoded[] = {
    "acct",      "cgroup",      "cmd",    "comm",    "cwd",      "device",  "dir",      "exe",
    "file",      "grp",         "info",   "name",    "new-fs",   "new-net", "new-disk", "new-chardev",
    "new_group", "ocomm",       "old-fs", "old-net", "old-disk", "path",    "profile",  "proctitle",
    "root_dir",  "old-chardev", "sw",     "vm",      "watch"};

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsHex(std::string_view text) {
  return text.size() >= 2 && text.size() % 2 == 0 &&
         std::all_of(text.begin(), text.end(), [](char c) { return HexValue(c) >= 0; });
}

// Requires IsHex.
std::string BytesOf(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(HexValue(hex[2 * i]) * 16 + HexValue(hex[2 * i + 1]));
  return bytes;
}

// As any text of an event: in its arena, and UTF-8.
std::string_view KeepText(std::string_view bytes, Event* event) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) return event->arena().Copy(bytes);
  std::string sound;
  SanitizeUtf8(bytes, &sound);
  return event->arena().Copy(sound);
}

// NULs, which stand between arguments, become spaces; what is no hexadecimal number stays as it is.
std::string_view DecodeText(std::string_view text, Event* event) {
  if (!IsHex(text)) return text;
  std::string bytes = BytesOf(text);
  std::replace(bytes.begin(), bytes.end(), '\0', ' ');
  return KeepText(bytes, event);
}

bool IsArgument(std::string_view key) { return key.size() > 1 && key[0] == 'a' && IsDigit(key[1]); }

bool IsKey(std::string_view key) {
  constexpr size_t kMaxKey = 128;
  if (key.empty() || key.size() > kMaxKey) return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    const char lower = static_cast<char>(c | 0x20);
    return IsDigit(c) || (lower >= 'a' && lower <= 'z') || c == '_' || c == '-' || c == '.' || c == '[' ||
           c == ']';
  });
}

// What stands before a record that the kernel logs itself: "[   12.345] audit: ".
void SkipKernelPrefix(std::string_view* text) {
  if (text->starts_with('[')) {
    const size_t end = text->substr(0, 32).find("] ");
    if (end == std::string_view::npos) return;
    text->remove_prefix(end + 2);
  }
  TakePrefix("audit: ", text);
}

// Takes "type=SYSCALL msg=audit(" or, of the kernel, "type=1300 audit(" off *text.
bool TakeType(std::string_view* text, std::string_view* type) {
  if (!TakePrefix("type=", text)) return false;
  *type = TakeUntil(' ', text);
  TakePrefix("msg=", text);
  return TakePrefix("audit(", text);
}

}  // namespace

struct AuditDecoder::Pair {
  std::string_view key;
  std::string_view value;  // without its quotes
  char quote = '\0';
};

// The pairs of a record, one after the other. Within quotes nothing is escaped: a value that holds its quote
// is in hexadecimal, and a backslash before the quote that ends it is part of a name that somebody chose.
class AuditDecoder::Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  // Skips words that are no pair. False at the end.
  bool Next(Pair* pair) {
    for (;;) {
      SkipSeparators();
      if (rest_.empty()) return false;
      const size_t end = EndOfWord();
      const size_t equals = rest_.substr(0, end).find('=');
      if (equals == std::string_view::npos || !IsKey(rest_.substr(0, equals))) {
        rest_.remove_prefix(end);
        continue;
      }
      pair->key = rest_.substr(0, equals);
      rest_.remove_prefix(equals + 1);
      TakeValue(pair);
      return true;
    }
  }

 private:
  void SkipSeparators() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == ' ' || c == ',' || c == '(' || c == kGroupSeparator) {
        rest_.remove_prefix(1);
      } else if (!TakePrefix(kEscapedSeparator, &rest_)) {
        return;
      }
    }
  }

  size_t EndOfWord() const {
    for (size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == ' ' || c == kGroupSeparator) return i;
      if (c == kEscapedSeparator[0] && rest_.substr(i).starts_with(kEscapedSeparator))
        return std::max<size_t>(i, 1);
    }
    return rest_.size();
  }

  void TakeValue(Pair* pair) {
    pair->quote = '\0';
    if (!rest_.empty() && (rest_.front() == '"' || rest_.front() == '\'')) {
      pair->quote = rest_.front();
      rest_.remove_prefix(1);
      const bool program = pair->quote == '\'' && pair->key == "msg";
      pair->value = program ? TakeProgramText() : TakeUntil(pair->quote, &rest_);
      return;
    }
    pair->value = rest_.substr(0, EndOfWord());
    rest_.remove_prefix(pair->value.size());
    if (pair->value.ends_with(',')) pair->value.remove_suffix(1);
    // "(hostname=?, addr=?, res=success)" of older programs.
    if (pair->value.ends_with(')') && !pair->value.starts_with('(')) pair->value.remove_suffix(1);
  }

  // msg='..': what a program says may hold apostrophes; the last one ends it.
  std::string_view TakeProgramText() {
    size_t limit = rest_.find(kGroupSeparator);
    if (limit == std::string_view::npos) {
      const size_t escaped = rest_.rfind("'#035");
      limit = escaped != std::string_view::npos ? escaped + 1 : rest_.size();
    }
    const size_t end = std::min(rest_.substr(0, limit).rfind('\''), limit);
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return text;
  }

  std::string_view rest_;
};

struct AuditDecoder::Whole {
  std::string_view type;
  size_t pairs = 0;
  std::string_view arch, syscall, socket_address;
  bool named_syscall = false, named_arch = false, named_address = false;
  // An argument that was too long for one value comes as a1[0]=.. a1[1]=..
  std::string_view argument;
  std::string parts;
  bool encoded_parts = false;
};

AuditDecoder::AuditDecoder(const FieldTable& fields)
    : fields_(fields),
      node_(fields, "node"),
      type_(fields, "type"),
      audit_time_(fields, "audit_time"),
      timestamp_(fields, "timestamp"),
      audit_id_(fields, "audit_id"),
      audit_event_(fields, "audit_event"),
      key_(fields, "key"),
      syscall_(fields, "SYSCALL"),
      arch_(fields, "ARCH"),
      family_(fields, "saddr_fam"),
      address_(fields, "laddr"),
      port_(fields, "lport"),
      path_(fields, "path") {}

bool AuditDecoder::LooksLikeRecord(std::string_view text) {
  SkipKernelPrefix(&text);
  if (TakePrefix("node=", &text)) TakeUntil(' ', &text);
  std::string_view type;
  return TakeType(&text, &type);
}

bool AuditDecoder::Read(std::string_view text, std::string_view host, std::optional<Timestamp>* time,
                        Event* event) const {
  SkipKernelPrefix(&text);
  std::string_view origin = host;
  if (TakePrefix("node=", &text)) {
    origin = TakeUntil(' ', &text);
    AddText(node_, origin, event);
  }
  Whole whole;
  if (!TakeType(&text, &whole.type)) return false;
  const size_t close = text.substr(0, 64).find(')');
  if (close == std::string_view::npos) return false;
  const std::string_view stamp = text.substr(0, close);
  std::string_view id = stamp;
  const std::string_view seconds = TakeUntil(':', &id);
  text.remove_prefix(close + 1);
  TakePrefix(":", &text);
  *time = ParseNumericTimestamp(seconds);
  const std::string_view name = AuditRecordType(whole.type);
  if (!name.empty()) whole.type = name;
  AddText(type_, whole.type, event);
  const NodeIndex at = AddText(audit_time_, seconds, event);
  // "1604996384.965" is a number of JSON too.
  const std::string_view before_point = seconds.substr(0, seconds.find('.'));
  if (time->has_value() && IsPlainNumber(before_point) && !seconds.ends_with('.'))
    event->SetType(at, ValueType::kNumber);
  AddAlias(timestamp_, at, event);
  AddText(audit_id_, id, event);
  char* const full = event->arena().Allocate(origin.size() + 1 + stamp.size());
  size_t size = origin.copy(full, origin.size());
  if (size > 0) full[size++] = ':';
  size += stamp.copy(full + size, stamp.size());
  event->arena().Shrink(full, size);
  AddText(audit_event_, {full, size}, event);
  AddPairs(text, &whole, event);
  AddNames(whole, event);
  return true;
}

bool AuditDecoder::ReadUnnumbered(std::string_view text, Event* event) const {
  Whole whole;
  whole.type = TakeUntil(' ', &text);
  const bool is_type = whole.type.size() > 1 && std::all_of(whole.type.begin(), whole.type.end(), [](char c) {
                         return IsDigit(c) || (c >= 'A' && c <= 'Z') || c == '_';
                       });
  if (!is_type) return false;
  AddText(type_, whole.type, event);
  AddPairs(text, &whole, event);
  AddNames(whole, event);
  return true;
}

void AuditDecoder::AddPairs(std::string_view pairs, Whole* whole, Event* event) const {
  Words words(pairs);
  Pair pair;
  while (whole->pairs < kMaxPairs && words.Next(&pair)) {
    if (pair.quote != '\'' || pair.key != "msg") {
      ++whole->pairs;
      AddPair(pair, whole, event);
      continue;
    }
    // What a program says: pairs of its own.
    Words own(pair.value);
    while (whole->pairs < kMaxPairs && own.Next(&pair)) {
      ++whole->pairs;
      AddPair(pair, whole, event);
    }
  }
  AddParts(whole, event);
}

void AuditDecoder::AddPair(const Pair& pair, Whole* whole, Event* event) const {
  const bool bare = pair.quote == '\0';
  const bool argument = whole->type == "EXECVE" && IsArgument(pair.key);
  if (const size_t bracket = pair.key.find('['); argument && bracket != std::string_view::npos) {
    const std::string_view key = pair.key.substr(0, bracket);
    if (key != whole->argument) AddParts(whole, event);
    whole->argument = key;
    whole->encoded_parts = bare;
    whole->parts += pair.value;
    return;
  }
  if (pair.key == "key") return AddKeys(bare ? DecodeText(pair.value, event) : pair.value, whole, event);
  if (pair.key == "arch") whole->arch = pair.value;
  if (pair.key == "syscall") whole->syscall = pair.value;
  if (pair.key == "saddr") whole->socket_address = pair.value;
  whole->named_syscall |= pair.key == "SYSCALL";
  whole->named_arch |= pair.key == "ARCH";
  whole->named_address |= pair.key == "SADDR";
  const bool typed = pair.key == "data" && (whole->type == "TTY" || whole->type == "USER_TTY");
  const bool encoded = argument || typed ||
                       std::find(std::begin(kEncoded), std::end(kEncoded), pair.key) != std::end(kEncoded);
  AddText(TextField(fields_, pair.key), bare && encoded ? DecodeText(pair.value, event) : pair.value, event);
}

// Several keys of one rule are told as one text. Source: audit 3.0, lib/libaudit.h, AUDIT_KEY_SEPARATOR.
void AuditDecoder::AddKeys(std::string_view keys, Whole* whole, Event* event) const {
  do {
    AddText(key_, TakeUntil('\x01', &keys), event);
  } while (!keys.empty() && ++whole->pairs < kMaxPairs);
}

void AuditDecoder::AddParts(Whole* whole, Event* event) const {
  if (whole->argument.empty()) return;
  const std::string_view text = event->arena().Copy(whole->parts);
  AddText(TextField(fields_, whole->argument), whole->encoded_parts ? DecodeText(text, event) : text, event);
  whole->argument = {};
  whole->parts.clear();
}

void AuditDecoder::AddNames(const Whole& whole, Event* event) const {
  uint32_t number = 0;
  const char* const end = whole.syscall.data() + whole.syscall.size();
  const auto parsed = std::from_chars(whole.syscall.data(), end, number);
  if (!whole.named_syscall && parsed.ec == std::errc() && parsed.ptr == end) {
    const std::string_view name = SyscallName(whole.arch, number);
    if (!name.empty()) AddText(syscall_, name, event);
  }
  if (!whole.named_arch) AddKnown(arch_, ArchName(whole.arch), event);
  if (!whole.named_address && IsHex(whole.socket_address)) AddSocketAddress(whole.socket_address, event);
}

// struct sockaddr as it lay in the memory of a little-endian machine.
void AuditDecoder::AddSocketAddress(std::string_view hex, Event* event) const {
  constexpr size_t kMaxSize = 128;  // of sockaddr_storage
  const std::string bytes = BytesOf(hex.substr(0, 2 * kMaxSize));
  const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 4 || at(1) != 0) return;
  const bool v6 = at(0) == AF_INET6;
  if (at(0) == AF_UNIX) {
    AddText(family_, "local", event);
    // A name without a file begins with a NUL.
    const std::string_view name = std::string_view(bytes).substr(bytes[2] == '\0' ? 3 : 2);
    AddText(path_, KeepText(name.substr(0, name.find('\0')), event), event);
  } else if ((at(0) == AF_INET && bytes.size() >= 8) || (v6 && bytes.size() >= 24)) {
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(at(0), bytes.data() + (v6 ? 8 : 4), text, sizeof text) == nullptr) return;
    AddText(family_, v6 ? "inet6" : "inet", event);
    AddText(address_, event->arena().Copy(text), event);
    AddText(port_, event->arena().Copy(std::to_string(at(2) * 256 + at(3))), event);
  }
}

}  // namespace redthread
