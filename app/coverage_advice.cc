#include "app/coverage_advice.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "rules/nearest_name.h"

namespace redthread {
namespace {

using Reason = RuleCoverage::Reason;

struct Advice {
  std::string_view
      about;  // a log source ("windows/sysmon"), an event ("4663") or a field of one ("4688 CommandLine")
  std::string_view text;
};

constexpr std::string_view kObjectAccess =
    "turn on the audit policy \"Audit File System\", \"Audit Registry\" or \"Audit Handle Manipulation\" "
    "(Object "
    "Access), and set auditing (SACL) on what is to be watched";
constexpr std::string_view kDirectoryAccess =
    "on domain controllers turn on the audit policies \"Audit Directory Service Access\" and \"Changes\"";
constexpr std::string_view kShares =
    "turn on the audit policies \"Audit File Share\" and \"Audit Detailed File Share\"";
constexpr std::string_view kOtherObjects =
    "turn on the audit policy \"Audit Other Object Access Events\" (scheduled tasks)";
constexpr std::string_view kKerberos =
    "on domain controllers turn on the audit policies \"Audit Kerberos Authentication Service\" and \"Audit "
    "Kerberos "
    "Service Ticket Operations\"";
constexpr std::string_view kLogon = "turn on the audit policies \"Audit Logon\" and \"Audit Special Logon\"";
constexpr std::string_view kProcessCreation =
    "turn on the audit policy \"Audit Process Creation\" with \"Include command line in process creation "
    "events\", or "
    "install Sysmon";

// Source: Microsoft's "Advanced security audit policy settings" and "Appendix L: Events to Monitor";
// Sysmon's, auditd's and the cloud services' own documentation.
constexpr Advice kAdvice[] = {
    {"windows/sysmon",
     "install Sysmon (Microsoft Sysinternals) with a configuration, such as SwiftOnSecurity's or Olaf "
     "Hartong's, and "
     "collect the channel Microsoft-Windows-Sysmon/Operational"},
    {"windows/process_creation", kProcessCreation},
    {"windows/powershell",
     "collect the channel Microsoft-Windows-PowerShell/Operational, and turn on script block logging: "
     "Administrative "
     "Templates > Windows Components > Windows PowerShell"},
    {"windows/ps_script",
     "turn on PowerShell script block logging (event 4104): Administrative Templates > Windows Components > "
     "Windows "
     "PowerShell"},
    {"windows/ps_module",
     "turn on PowerShell module logging (event 4103) for all modules (*): Administrative Templates > Windows "
     "Components > Windows PowerShell"},
    {"windows/powershell-classic", "collect the channel \"Windows PowerShell\""},
    {"windows/security",
     "collect the Security event log, with an audit policy (Microsoft's security baseline)"},
    {"windows/system", "collect the System event log"},
    {"windows/application", "collect the Application event log"},
    {"windows/windefend", "collect the channel Microsoft-Windows-Windows Defender/Operational"},
    {"windows/taskscheduler",
     "collect the channel Microsoft-Windows-TaskScheduler/Operational, and enable it"},
    {"windows/dns-server-analytic", "enable and collect the analytic log of the DNS server"},
    {"windows/dns-client", "collect and enable the channel Microsoft-Windows-DNS Client Events/Operational"},
    {"windows/ntlm",
     "turn on \"Network security: Restrict NTLM: Audit ...\", collect Microsoft-Windows-NTLM/Operational"},
    {"windows/applocker", "set up AppLocker rules in audit mode, collect its channels"},
    {"linux/auditd",
     "install auditd with rules, such as Florian Roth's, and collect /var/log/audit/audit.log"},
    {"linux/process_creation", "install Sysmon for Linux"},
    {"linux/network_connection", "install Sysmon for Linux"},
    {"linux/file_event", "install Sysmon for Linux"},
    {"linux/sshd", "collect /var/log/auth.log or /var/log/secure"},
    {"linux/auth", "collect /var/log/auth.log or /var/log/secure"},
    {"linux/sudo", "collect /var/log/auth.log or /var/log/secure"},
    {"linux/syslog", "collect /var/log/syslog or /var/log/messages"},
    {"linux/cron", "collect /var/log/cron or /var/log/syslog"},
    {"m365", "turn on the unified audit log in Microsoft Purview, and collect it"},
    {"azure", "send Entra ID's sign-in and audit logs and the activity log to where they can be collected"},
    {"aws", "create a CloudTrail trail over all regions, and collect it"},
    {"gcp", "turn on Cloud Audit Logs, data access too, and collect them"},
    {"okta", "collect the System Log of Okta"},
    {"github", "collect the audit log of the GitHub organisation"},
    {"kubernetes", "give the API server an audit policy, and collect its audit log"},
    {"macos", "collect an endpoint agent's process and file events"},
    {"/webserver", "collect the web servers' access logs"},
    {"/proxy", "collect the web proxy's access log"},
    {"/firewall", "collect the firewall's log of connections"},
    {"/dns", "collect the DNS servers' log of queries"},
    {"/antivirus", "collect the alerts of the antivirus product"},
    {"zeek", "run Zeek on a mirror of the network's traffic, with JSON logs"},
    {"4688 CommandLine",
     "turn on \"Include command line in process creation events\": Administrative Templates > System > Audit "
     "Process "
     "Creation"},
    {"4688 ParentProcessName", "Windows 10 or Server 2016 and later record it; older ones need Sysmon"},
    {"4688", kProcessCreation},
    {"4656", kObjectAccess},
    {"4657", kObjectAccess},
    {"4658", kObjectAccess},
    {"4660", kObjectAccess},
    {"4663", kObjectAccess},
    {"4670", kObjectAccess},
    {"4661", kDirectoryAccess},
    {"4662", kDirectoryAccess},
    {"5136", kDirectoryAccess},
    {"5137", kDirectoryAccess},
    {"5140", kShares},
    {"5145", kShares},
    {"4698", kOtherObjects},
    {"4699", kOtherObjects},
    {"4701", kOtherObjects},
    {"4702", kOtherObjects},
    {"4768", kKerberos},
    {"4769", kKerberos},
    {"4771", kKerberos},
    {"4624", kLogon},
    {"4625", kLogon},
    {"4648", kLogon},
    {"4672", kLogon},
    {"4697", "turn on the audit policy \"Audit Security System Extension\""},
    {"5156", "turn on the audit policy \"Audit Filtering Platform Connection\""},
    {"6416", "turn on the audit policy \"Audit PNP Activity\""},
};

std::string AdviceAbout(std::string_view about) {
  for (const Advice& advice : kAdvice) {
    if (advice.about == about) return std::string(advice.text);
  }
  return {};
}

std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 6;
  std::vector<std::string_view> shown(names.begin(), names.begin() + std::min(names.size(), kShown));
  const std::string more = std::to_string(names.size() - shown.size()) + " more";
  if (names.size() > kShown) shown.push_back(more);
  return JoinNames(shown);
}

class Grouping {
 public:
  Grouping(const Engine& engine, const FieldCensus& census, const Coverage& coverage)
      : engine_(engine), coverage_(coverage) {
    for (const auto& [key, kind] : census.kinds()) {
      const LogSourceFacts& facts = engine.facts()->Get(kind.facts);
      products_.insert(facts.products.begin(), facts.products.end());
      services_.insert(facts.services.begin(), facts.services.end());
    }
  }

  std::vector<CoverageGroup> Make() {
    for (uint32_t i = 0; i < coverage_.rules.size(); ++i) {
      const RuleCoverage& rule = coverage_.rules[i];
      if (!rule.can_fire()) GroupOf(rule, engine_.rules().rules[i].log_source).rules.push_back(i);
    }
    for (uint32_t i = 0; i < coverage_.correlations.size(); ++i) {
      if (coverage_.correlations[i].can_fire()) continue;
      Named("correlations lack rules that cannot fire", "", false).correlations.push_back(i);
    }
    std::vector<CoverageGroup> groups;
    for (auto& [reason, group] : groups_) groups.push_back(std::move(group));
    std::sort(groups.begin(), groups.end(), [](const CoverageGroup& a, const CoverageGroup& b) {
      if (a.waiting != b.waiting) return b.waiting;
      return a.size() != b.size() ? a.size() > b.size() : a.reason < b.reason;
    });
    return groups;
  }

 private:
  CoverageGroup& Named(const std::string& reason, const std::string& advice, bool waiting) {
    CoverageGroup& group = groups_[reason];
    group.reason = reason;
    group.advice = advice;
    group.waiting = waiting;
    return group;
  }

  CoverageGroup& GroupOf(const RuleCoverage& rule, const LogSource& source) {
    if (rule.reason == Reason::kFields) return LackingFields(rule, source);
    if (rule.reason == Reason::kEvent) return LackingEvents(rule, source);
    return source.product == "windows" || IsWindowsOnly(source) ? LackingWindows(source)
                                                                : LackingOther(source);
  }

  CoverageGroup& LackingFields(const RuleCoverage& rule, const LogSource& source) {
    const std::string of = rule.event_id.empty() ? EventOf(rule, source) : "event " + rule.event_id;
    std::string advice;
    for (const std::string& field : rule.missing) {
      const std::string id = rule.event_id.empty() ? IdOf(rule, source) : rule.event_id;
      if (advice.empty()) advice = AdviceAbout(id + " " + field);
    }
    return Named(of + " never has " + Listed(rule.missing), advice, false);
  }

  // A log source, and the event id that stands for it in Windows.
  std::string EventOf(const RuleCoverage& rule, const LogSource& source) const {
    const std::string id = IdOf(rule, source);
    return TextOf(source) + (id.empty() ? "" : " (event " + id + ")");
  }
  std::string IdOf(const RuleCoverage& rule, const LogSource& source) const {
    const LogSourceFacts& facts = engine_.facts()->Get(rule.facts);
    for (const LogSourceMap::Category& category : engine_.log_sources().categories) {
      if (category.category != source.category) continue;
      if (std::find(facts.services.begin(), facts.services.end(), category.service) == facts.services.end())
        continue;
      for (const FieldCondition& when : category.when) {
        if (when.field == "EventID" && when.values.size() == 1) return when.values[0];
      }
    }
    return {};
  }

  CoverageGroup& LackingEvents(const RuleCoverage& rule, const LogSource& source) {
    std::string advice;
    for (const std::string& id : rule.missing) {
      if (advice.empty()) advice = AdviceAbout(id);
    }
    if (rule.missing.empty()) return Named(TextOf(source) + ": such events were not seen", advice, true);
    return Named(TextOf(source) + (rule.missing.size() == 1 ? ": event " : ": events ") +
                     Listed(rule.missing) + (rule.missing.size() == 1 ? " was not seen" : " were not seen"),
                 advice, true);
  }

  // The services of Windows that record a category, where the log-source map knows any.
  std::set<std::string> ServicesOf(const std::string& category) const {
    std::set<std::string> services;
    for (const LogSourceMap::Category& c : engine_.log_sources().categories) {
      if (c.category == category) services.insert(c.service);
    }
    return services;
  }

  // No product is named, and only Windows has the category.
  bool IsWindowsOnly(const LogSource& source) const {
    return source.product.empty() && !ServicesOf(source.category).empty();
  }

  CoverageGroup& LackingWindows(const LogSource& source) {
    if (source.category.empty()) {
      if (source.service.empty()) return Named("no Windows event logs are collected", "", false);
      const std::string name = source.service == "sysmon" ? "Sysmon" : "windows/" + source.service;
      return Named(name + " is not collected", AdviceAbout("windows/" + source.service), false);
    }
    const std::set<std::string> services = ServicesOf(source.category);
    if (services.empty()) return Named("no event log records " + source.category, "", false);
    const std::string about = AdviceAbout("windows/" + source.category);
    if (services.size() > 1) return Named("no " + source.category + " is recorded", about, false);
    const std::string& service = *services.begin();
    const std::string name = service == "sysmon" ? "Sysmon" : "windows/" + service;
    if (services_.count(service) == 0)
      return Named(name + " is not collected", AdviceAbout("windows/" + service), false);
    const std::string advice =
        service == "sysmon" ? "its configuration may leave it out; where it does, include it" : about;
    return Named(name + " records no " + source.category, advice, false);
  }

  CoverageGroup& LackingOther(const LogSource& source) {
    const std::string part = source.service.empty() ? source.category : source.service;
    std::string advice = AdviceAbout(source.product + "/" + part);
    if (advice.empty()) advice = AdviceAbout(source.product);
    const bool none = products_.count(source.product) == 0 && !source.product.empty();
    const std::string what = none && source.product != "linux" ? source.product : TextOf(source);
    return Named(what + " is not collected", advice, false);
  }

  static std::string TextOf(const LogSource& source) {
    std::string text;
    for (const std::string* part : {&source.product, &source.category, &source.service}) {
      if (!part->empty()) text += (text.empty() ? "" : "/") + *part;
    }
    return text.empty() ? "a rule without a log source" : text;
  }

  const Engine& engine_;
  const Coverage& coverage_;
  std::set<std::string> products_, services_;  // that came
  std::map<std::string, CoverageGroup> groups_;
};

}  // namespace

std::vector<CoverageGroup> GroupCoverage(const Engine& engine, const FieldCensus& census,
                                         const Coverage& coverage) {
  return Grouping(engine, census, coverage).Make();
}

}  // namespace redthread
