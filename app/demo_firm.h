// The firm of the sample logs: its people, machines, addresses and calendar, and how each of its sources
// writes a line.
//
// Twenty people in one office in Germany: a domain controller (DC01), a file server (FS01), a PC each, a web
// shop on a Linux server (WEB01), a firewall with VPN (FW01), mail and files in Microsoft 365. Outside
// addresses and names are those reserved for documentation. Source: RFC 5737, RFC 3849, RFC 2606.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "app/demo_random.h"
#include "app/demo_writer.h"
#include "core/timestamp.h"

namespace redthread {

struct DemoPerson {
  const char* login;  // "j.keller"; the mailbox is login@example.com
  const char* name;
  const char* department;  // the folder on the file server where this person works
};
inline constexpr int kDemoPeople = 20;
extern const std::array<DemoPerson, kDemoPeople> kPeople;

// Indices into kPeople of those whom the story needs.
inline constexpr int kAccountant = 0;  // whose mailbox is taken over
inline constexpr int kAdmin = 1;       // looks after the computers; signs in as kAdminLogin for that
inline constexpr int kTraveller = 2;   // on holiday far away in the third and fourth week
inline constexpr int kNewcomer = 3;    // starts on 19 October
inline constexpr const char* kAdminLogin = "m.vogt.adm";

inline constexpr const char* kOfficeAddress = "198.51.100.2";  // the firewall's outside
inline constexpr const char* kIntruderAddress = "203.0.113.147";
inline constexpr const char* kHotelAddress = "198.51.100.99";

// The sample month.
inline constexpr int kDemoDays = 31;
// October 2026, by the firm's clock: day 1 to 31, hour 0 to 23; `second` may run past 59. Summer time ends on
// 25 October.
Timestamp DemoTime(int day, int hour, int minute, int second = 0);
bool IsWorkday(int day);
// Whether this person is in the office on that day.
bool AtWork(int person, int day);
// The shop is down from the first to the second of these: the disk of WEB01 is full and the database has
// stopped.
Timestamp ShopDownFrom();
Timestamp ShopDownUntil();

std::string PcName(int person);     // "PC-07"
std::string PcAddress(int person);  // "10.20.1.17"
std::string MailOf(int person);     // "j.keller@example.com"
std::string FullHostName(std::string_view host);

// ---- how each source begins a line; the caller adds what the event is about ----

JsonLine WindowsEvent(std::string_view host, Timestamp time, int event_id, std::string_view channel,
                      std::string_view provider, std::string_view message);
// An event of the Security channel with its subject.
JsonLine SecurityEvent(std::string_view host, Timestamp time, int event_id, std::string_view message,
                       std::string_view subject);
// 4624, or 4625: by remote desktop for want of the right to do so, else for a wrong password.
JsonLine LogonEvent(std::string_view host, Timestamp time, std::string_view user, int logon_type,
                    std::string_view address, bool success = true);
JsonLine ProcessEvent(std::string_view host, Timestamp time, std::string_view user, std::string_view image,
                      std::string_view command_line);  // no CommandLine where it is empty
JsonLine DefenderEvent(std::string_view host, Timestamp time, int event_id, std::string_view message);
JsonLine FirewallEvent(Timestamp time, std::string_view logid, std::string_view type,
                       std::string_view subtype, std::string_view level);
JsonLine LinuxEvent(Timestamp time, std::string_view program, int pid, std::string_view message);
struct WebRequest {
  std::string_view client, method, stem, query, user_agent;
  int status = 200;
  int bytes = 0;
};
JsonLine WebEvent(Timestamp time, const WebRequest& request);
JsonLine AuditEvent(Timestamp time, std::string_view workload, std::string_view operation,
                    std::string_view user, std::string_view address, DemoRandom* random);
struct SignIn {
  std::string user;
  std::string_view address, country, client, application;
  int result = 0;  // Entra error code, 0 = success
  bool second_factor = true;
};
JsonLine SignInEvent(Timestamp time, const SignIn& sign_in, DemoRandom* random);

}  // namespace redthread
