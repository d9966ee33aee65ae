#include "correlate/entities.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/text.h"

namespace redthread {

namespace {

// Accounts that belong to the machine and not to a person. Source: Windows "well-known SIDs" and their
// display names.
constexpr std::array<std::string_view, 12> kNobody = {"",
                                                      "-",
                                                      "n/a",
                                                      "system",
                                                      "local system",
                                                      "localsystem",
                                                      "local service",
                                                      "network service",
                                                      "anonymous logon",
                                                      "anonymous",
                                                      "(unknown)",
                                                      "unknown"};
// Events about groups (4728, 4732, 4735 ...) name the group where others name the account, and its members
// have nothing else in common. Source: Windows "well-known SIDs", groups.
constexpr std::array<std::string_view, 16> kGroups = {"administrators",
                                                      "users",
                                                      "guests",
                                                      "backup operators",
                                                      "remote desktop users",
                                                      "remote management users",
                                                      "event log readers",
                                                      "domain admins",
                                                      "domain users",
                                                      "domain guests",
                                                      "domain computers",
                                                      "domain controllers",
                                                      "enterprise admins",
                                                      "schema admins",
                                                      "group policy creator owners",
                                                      "dnsadmins"};
// BUILTIN holds groups alone.
constexpr std::array<std::string_view, 5> kNobodyDomains = {"nt authority", "nt-autorität", "window manager",
                                                            "font driver host", "builtin"};

std::string_view Trim(std::string_view s) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = s.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kSpace) - first + 1);
}

template <typename Names>
bool IsAmong(const Names& names, std::string_view folded) {
  return std::find(names.begin(), names.end(), folded) != names.end();
}

std::string_view ShortName(std::string_view host) { return host.substr(0, host.find('.')); }

std::string NameOf(EntityKind kind, EntityRole role) {
  const bool target = role == EntityRole::kTarget;
  switch (kind) {
    case EntityKind::kHost:
      return target ? "target_host" : role == EntityRole::kActor ? "source_host" : "host";
    case EntityKind::kUser:
      return target ? "target_user" : "user";
    case EntityKind::kAddress:
      return target ? "target_address" : "address";
  }
  return {};
}

}  // namespace

std::string NormaliseAddress(std::string_view text) {
  const std::optional<IpAddress> parsed = ParseIpAddress(text);
  if (!parsed.has_value()) return {};
  IpAddress address = *parsed;
  constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // ::ffff:0:0/96
  if (address.v6 && std::equal(std::begin(kMapped), std::end(kMapped), address.bytes.begin())) {
    IpAddress v4;
    std::copy_n(address.bytes.begin() + 12, 4, v4.bytes.begin());
    address = v4;
  }
  static const std::array<Cidr, 4> kNowhere = {*ParseCidr("127.0.0.0/8"), *ParseCidr("0.0.0.0/8"),
                                               *ParseCidr("::1/128"), *ParseCidr("::/128")};
  for (const Cidr& nowhere : kNowhere) {
    if (nowhere.Contains(address)) return {};
  }
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), buffer, sizeof buffer);
  return buffer;
}

std::string NormaliseHost(std::string_view text) {
  text = Trim(text);
  while (text.starts_with('\\')) text.remove_prefix(1);  // \\SERVER
  if (ParseIpAddress(text).has_value()) return NormaliseAddress(text);
  std::string host = Fold(ShortName(text));
  if (host == "localhost" || IsAmong(kNobody, host)) return {};
  return host;
}

std::string NormaliseUser(std::string_view text, std::string_view domain, std::string_view host) {
  std::string user = Fold(Trim(text));
  std::string realm = Fold(Trim(domain));
  if (const size_t slash = user.find('\\'); slash != std::string::npos) {
    realm = user.substr(0, slash);
    user = user.substr(slash + 1);
  } else if (const size_t at = user.find('@'); at != std::string::npos && at > 0) {
    realm = user.substr(at + 1);
    user = user.substr(0, at);
  }
  if (IsAmong(kNobody, user) || IsAmong(kGroups, user) || IsAmong(kNobodyDomains, realm)) return {};
  if (user.ends_with('$')) return user;
  const bool local = realm == "." || (!host.empty() && ShortName(realm) == host);
  return local ? user + "@" + std::string(host) : user;
}

void EntityExtractor::RegisterFields(const EntityMap& map, FieldTable* fields) {
  for (const EntityMap::Source& source : map.sources) {
    for (const EntityField& f : source.fields) {
      fields->Add(f.field);
      if (!f.domain.empty()) fields->Add(f.domain);
    }
  }
}

EntityExtractor::EntityExtractor(const EntityMap& map, const FieldTable& fields, const FactsTable& facts,
                                 const std::vector<std::string>& own_addresses)
    : facts_(&facts) {
  for (const EntityMap::Source& source : map.sources) {
    Source s{source.log_source, {}};
    for (const EntityField& f : source.fields) {
      s.fields.push_back(
          {f.kind, f.role, fields.Find(f.field), f.domain.empty() ? kNoField : fields.Find(f.domain)});
    }
    // The observing host comes first: it tells which accounts are local.
    std::stable_partition(s.fields.begin(), s.fields.end(), [](const Field& f) {
      return f.kind == EntityKind::kHost && f.role == EntityRole::kObserver;
    });
    sources_.push_back(std::move(s));
  }
  for (const std::string& address : own_addresses) own_addresses_.push_back(NormaliseAddress(address));
}

bool EntityExtractor::Fits(const LogSource& wanted, const LogSourceFacts& facts) {
  const auto among = [](const std::vector<std::string>& held, const std::string& key) {
    return key.empty() || std::find(held.begin(), held.end(), key) != held.end();
  };
  const bool category =
      wanted.category.empty() || std::any_of(facts.categories.begin(), facts.categories.end(),
                                             [&](const auto& c) { return c.category == wanted.category; });
  return category && among(facts.products, wanted.product) && among(facts.services, wanted.service);
}

const EntityExtractor::Source& EntityExtractor::SourceFor(FactsId id) {
  static const Source kNone;
  if (id >= by_facts_.size()) by_facts_.resize(id + 1, nullptr);
  if (by_facts_[id] == nullptr) {
    const LogSourceFacts& facts = facts_->Get(id);
    by_facts_[id] = &kNone;
    for (const Source& s : sources_) {
      if (!Fits(s.log_source, facts)) continue;
      by_facts_[id] = &s;
      break;
    }
  }
  return *by_facts_[id];
}

AlertGroup EntityExtractor::Extract(const Event& event, FactsId facts) {
  std::map<std::string, std::set<std::string>> found;
  std::string host;
  for (const Field& f : SourceFor(facts).fields) {
    event.AnyValue(f.field, [&](NodeIndex i) {
      const std::optional<std::string_view> text = event.Text(i);
      if (!text.has_value()) return false;
      std::string value;
      EntityKind kind = f.kind;
      switch (f.kind) {
        case EntityKind::kHost:
          value = NormaliseHost(*text);
          break;
        case EntityKind::kAddress:
          value = NormaliseAddress(*text);
          if (std::find(own_addresses_.begin(), own_addresses_.end(), value) != own_addresses_.end())
            value.clear();
          break;
        case EntityKind::kUser: {
          const auto domain = f.domain == kNoField ? std::nullopt : event.FirstText(f.domain);
          value = NormaliseUser(*text, domain.value_or(""), host);
          if (value.ends_with('$')) {
            kind = EntityKind::kHost;
            value = NormaliseHost(value.substr(0, value.size() - 1));
            if (value == host) value.clear();
          }
          break;
        }
      }
      if (value.empty()) return false;
      if (f.kind == EntityKind::kHost && f.role == EntityRole::kObserver && host.empty()) host = value;
      found[NameOf(kind, f.role)].insert(std::move(value));
      return false;
    });
  }
  AlertGroup group;
  for (const auto& [name, values] : found) {
    if (values.size() == 1) {
      group.emplace_back(name, *values.begin());
      continue;
    }
    std::string composite = "[";
    for (const std::string& v : values) {
      if (composite.size() > 1) composite += ", ";
      AppendJsonString(v, &composite);
    }
    group.emplace_back(name, composite + "]");
  }
  return group;
}

}  // namespace redthread
