#include "app/demo_firm.h"

#include <cstdio>

namespace redthread {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
// 2026-10-01T00:00:00Z, a Thursday.
constexpr int64_t kMonthBegin = 1'790'812'800;
constexpr int kSummerTimeEnds = 25;

// "2026-10-13T09:14:07.318Z": milliseconds, as Windows shippers and syslog write it.
std::string Millis(Timestamp time) { return FormatTimestamp(time).substr(0, 23) + "Z"; }

std::string Uuid(DemoRandom* random) {
  uint32_t part[4];
  for (uint32_t& p : part) p = random->Next();
  char text[40];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-a%03x-%08x%04x", part[0], part[1] >> 16, part[1] & 0xfff,
                part[2] & 0xfff, part[3], part[2] >> 16);
  return text;
}

// The security identifier that the domain gave to this account.
std::string SidOf(std::string_view user) {
  uint32_t relative_id = 1100;
  for (const char c : user) relative_id = (relative_id * 31 + static_cast<unsigned char>(c)) % 4000 + 1100;
  return "S-1-5-21-1004336348-1177238915-682003330-" + std::to_string(relative_id);
}

}  // namespace

const std::array<DemoPerson, kDemoPeople> kPeople = {{
    {"j.keller", "Jana Keller", "Accounting"},   {"m.vogt", "Martin Vogt", "IT"},
    {"n.fischer", "Nina Fischer", "Sales"},      {"f.neumann", "Felix Neumann", "Warehouse"},
    {"s.brandt", "Sabine Brandt", "Management"}, {"l.hartmann", "Lukas Hartmann", "Sales"},
    {"e.demir", "Elif Demir", "Marketing"},      {"t.nowak", "Tomasz Nowak", "Warehouse"},
    {"p.schulz", "Petra Schulz", "Accounting"},  {"j.weber", "Jonas Weber", "Sales"},
    {"o.krause", "Oliver Krause", "Purchasing"}, {"m.lefevre", "Marie Lefevre", "Marketing"},
    {"d.schmid", "David Schmid", "Service"},     {"k.wolf", "Katrin Wolf", "Service"},
    {"a.berger", "Anna Berger", "Sales"},        {"i.lange", "Ingrid Lange", "Purchasing"},
    {"p.richter", "Paul Richter", "Warehouse"},  {"s.rossi", "Sofia Rossi", "Service"},
    {"c.maier", "Claudia Maier", "Management"},  {"m.huber", "Max Huber", "Warehouse"},
}};

Timestamp DemoTime(int day, int hour, int minute, int second) {
  const int offset_hours = day < kSummerTimeEnds ? 2 : 1;
  const int64_t local = (day - 1) * kSecondsPerDay + hour * 3600 + minute * 60 + second;
  return {(kMonthBegin + local - offset_hours * 3600) * kNsPerSecond};
}

bool IsWorkday(int day) {
  const int weekday = (day + 2) % 7;  // Monday is 0
  return weekday < 5;
}

bool AtWork(int person, int day) {
  if (!IsWorkday(day)) return false;
  if (person == kTraveller) return day < 12 || day > 23;
  if (person == kNewcomer) return day >= 19;
  if (person == 13) return day < 5 || day > 9;     // a week of autumn holidays with the children
  if (person == 8) return day != 14 && day != 15;  // ill
  return true;
}

Timestamp ShopDownFrom() { return DemoTime(27, 13, 8, 11); }
Timestamp ShopDownUntil() { return DemoTime(27, 13, 50, 33); }

std::string PcName(int person) {
  char text[16];
  std::snprintf(text, sizeof text, "PC-%02d", person + 1);
  return text;
}
std::string PcAddress(int person) { return "10.20.1." + std::to_string(person + 11); }
std::string MailOf(int person) {
  return std::string(kPeople[static_cast<size_t>(person)].login) + "@example.com";
}
std::string FullHostName(std::string_view host) { return std::string(host) + ".corp.example.com"; }

JsonLine WindowsEvent(std::string_view host, Timestamp time, int event_id, std::string_view channel,
                      std::string_view provider, std::string_view message) {
  JsonLine line;
  line.Text("@timestamp", Millis(time));
  line.Text("Hostname", FullHostName(host)).Text("Channel", channel).Number("EventID", event_id);
  line.Text("SourceName", provider).Text("Message", message);
  return line;
}

JsonLine SecurityEvent(std::string_view host, Timestamp time, int event_id, std::string_view message,
                       std::string_view subject) {
  JsonLine line =
      WindowsEvent(host, time, event_id, "Security", "Microsoft-Windows-Security-Auditing", message);
  const bool computer = subject.ends_with('$');
  line.Text("SubjectUserSid", computer ? "S-1-5-18" : SidOf(subject)).Text("SubjectUserName", subject);
  line.Text("SubjectDomainName", "CORP")
      .Text("SubjectLogonId", computer ? "0x3e7" : "0x" + SidOf(subject).substr(41));
  return line;
}

JsonLine LogonEvent(std::string_view host, Timestamp time, std::string_view user, int logon_type,
                    std::string_view address, bool success) {
  JsonLine line =
      success
          ? SecurityEvent(host, time, 4624, "An account was successfully logged on.", std::string(host) + "$")
          : SecurityEvent(host, time, 4625, "An account failed to log on.", std::string(host) + "$");
  line.Text("TargetUserName", user)
      .Text("TargetDomainName", "CORP")
      .Text("LogonType", std::to_string(logon_type));
  if (!success) {
    // By remote desktop: the right to sign in that way is missing. Else: the password is wrong.
    const bool no_right = logon_type == 10;
    line.Text("Status", no_right ? "0xc000015b" : "0xc000006d")
        .Text("SubStatus", no_right ? "0x0" : "0xc000006a");
    line.Text("FailureReason", no_right ? "%%2308" : "%%2313");
  }
  line.Text("LogonProcessName", logon_type == 3 ? "Kerberos" : "User32");
  line.Text("AuthenticationPackageName", logon_type == 3 ? "Kerberos" : "Negotiate");
  line.Text("IpAddress", address)
      .Text("IpPort", logon_type == 2 ? "0" : std::to_string(49152 + time.ns / 1000 % 16000));
  return line;
}

JsonLine ProcessEvent(std::string_view host, Timestamp time, std::string_view user, std::string_view image,
                      std::string_view command_line) {
  JsonLine line = SecurityEvent(host, time, 4688, "A new process has been created.", user);
  char id[16];
  std::snprintf(id, sizeof id, "0x%x", static_cast<unsigned>(time.ns / 4000 % 60000 * 4 + 400));
  line.Text("NewProcessId", id).Text("NewProcessName", image);
  const bool service = user.ends_with('$');
  line.Text("ParentProcessName", service                ? "C:\\Windows\\System32\\services.exe"
                                 : command_line.empty() ? "C:\\Windows\\explorer.exe"
                                                        : "C:\\Windows\\System32\\cmd.exe");
  line.Text("TokenElevationType", "%%1936");
  if (!command_line.empty()) line.Text("CommandLine", command_line);
  return line;
}

JsonLine DefenderEvent(std::string_view host, Timestamp time, int event_id, std::string_view message) {
  JsonLine line = WindowsEvent(host, time, event_id, "Microsoft-Windows-Windows Defender/Operational",
                               "Microsoft-Windows-Windows Defender", message);
  line.Text("Product Name", "Microsoft Defender Antivirus").Text("Product Version", "4.18.26090.7");
  return line;
}

JsonLine FirewallEvent(Timestamp time, std::string_view logid, std::string_view type,
                       std::string_view subtype, std::string_view level) {
  const bool summer = time < DemoTime(kSummerTimeEnds, 2, 0);
  const std::string local = FormatTimestamp(time + std::chrono::hours(summer ? 2 : 1));
  JsonLine line;
  line.Text("@timestamp", Millis(time)).Text("date", local.substr(0, 10)).Text("time", local.substr(11, 8));
  line.Text("tz", summer ? "+0200" : "+0100").Text("devname", "FW01").Text("devid", "FGT60FTK20099999");
  line.Text("logid", logid)
      .Text("type", type)
      .Text("subtype", subtype)
      .Text("level", level)
      .Text("vd", "root");
  return line;
}

JsonLine LinuxEvent(Timestamp time, std::string_view program, int pid, std::string_view message) {
  JsonLine line;
  line.Text("timestamp", Millis(time)).Text("host", "web01").Text("program", program).Number("pid", pid);
  line.Text("message", message);
  return line;
}

JsonLine WebEvent(Timestamp time, const WebRequest& request) {
  JsonLine line;
  line.Text("timestamp", Millis(time)).Text("host", "web01").Text("cs-host", "shop.example.com");
  line.Text("c-ip", request.client).Text("cs-method", request.method).Text("cs-uri-stem", request.stem);
  line.Text("cs-uri-query", request.query).Text("cs-version", "HTTP/1.1");
  line.Number("sc-status", request.status).Number("sc-bytes", request.bytes);
  line.Text("cs-user-agent", request.user_agent);
  return line;
}

JsonLine AuditEvent(Timestamp time, std::string_view workload, std::string_view operation,
                    std::string_view user, std::string_view address, DemoRandom* random) {
  const bool exchange = workload == "Exchange";
  JsonLine line;
  line.Text("CreationTime", FormatTimestamp(time).substr(0, 19)).Text("Id", Uuid(random));
  line.Text("Operation", operation).Text("OrganizationId", "0f4e1c8b-2d7a-4a63-8c55-19c0a4f0d7b1");
  line.Number("RecordType", exchange ? 2 : workload == "SharePoint" ? 6 : 8);
  line.Text("ResultStatus", exchange ? "Succeeded" : "Success").Number("UserType", 0).Number("Version", 1);
  line.Text("Workload", workload).Text("ClientIP", address).Text("UserId", user);
  return line;
}

JsonLine SignInEvent(Timestamp time, const SignIn& sign_in, DemoRandom* random) {
  const char* description = "";
  if (sign_in.result == 50126)
    description = "Error validating credentials due to invalid username or password.";
  if (sign_in.result == 50053) description = "The account is locked because of too many incorrect passwords.";
  JsonLine line;
  line.Text("TimeGenerated", Millis(time))
      .Text("Category", "SignInLogs")
      .Text("OperationName", "Sign-in activity");
  line.Text("ResultType", std::to_string(sign_in.result)).Text("ResultDescription", description);
  line.Text("UserPrincipalName", sign_in.user)
      .Text("IPAddress", sign_in.address)
      .Text("Location", sign_in.country);
  line.Text("AppDisplayName", sign_in.application).Text("ClientAppUsed", sign_in.client);
  line.Text("AuthenticationRequirement",
            sign_in.second_factor ? "multiFactorAuthentication" : "singleFactorAuthentication");
  line.Text("ConditionalAccessStatus", "notApplied")
      .Text("RiskState", "none")
      .Text("CorrelationId", Uuid(random));
  return line;
}

}  // namespace redthread
