#include "app/demo_story.h"

#include <string>

#include "app/demo_firm.h"

namespace redthread {
namespace {

constexpr const char* kSystem32 = "C:\\Windows\\System32\\";

Timestamp Seconds(Timestamp t, int seconds) { return t + std::chrono::seconds(seconds); }

class Intrusion {
 public:
  Intrusion(DemoRandom* random, DemoWriter* writer) : r_(*random), w_(*writer) {}

  void Tell() {
    TryPasswords();
    ReadMailbox(DemoTime(16, 23, 15), 34);
    HideInMailbox(DemoTime(16, 23, 58));
    EnterThroughVpn();
    SearchFileServer();
    TakeOverFileServer();
    CarryDataOut();
    DestroyTraces();
    ReadMailbox(DemoTime(18, 0, 31), 12);
    CleanUpOnMonday();
  }

 private:
  void SignIn365(Timestamp time, int person, int result) {
    SignIn sign_in{MailOf(person), kIntruderAddress, "SC", "IMAP4", "Office 365 Exchange Online", result,
                   false};
    w_.Add(DemoSource::kMicrosoft365SignIns, time, SignInEvent(time, sign_in, &r_));
  }
  void Audit(Timestamp time, const JsonLine& line) { w_.Add(DemoSource::kMicrosoft365Audit, time, line); }
  void OnFileServer(Timestamp time, const JsonLine& line) { w_.Add(DemoSource::kFileServer, time, line); }
  void Command(Timestamp time, const std::string& image, std::string_view command_line) {
    OnFileServer(time, ProcessEvent("FS01", time, kAdminLogin, kSystem32 + image, command_line));
  }
  JsonLine Vpn(Timestamp time, std::string_view logid, std::string_view action, std::string_view description);

  void TryPasswords();
  void ReadMailbox(Timestamp from, int messages);
  void HideInMailbox(Timestamp time);
  void EnterThroughVpn();
  void SearchFileServer();
  void TakeOverFileServer();
  void CarryDataOut();
  void DestroyTraces();
  void CleanUpOnMonday();

  const std::string victim_ = kPeople[kAccountant].login;
  DemoRandom& r_;
  DemoWriter& w_;
};

// One password for all mailboxes, then the next: slow enough that hardly an account is locked.
void Intrusion::TryPasswords() {
  Timestamp time = DemoTime(16, 19, 41);
  for (int round = 0; round < 4; ++round) {
    for (int person = 0; person < kDemoPeople; ++person) {
      time = Seconds(time, r_.Between(6, 40));
      SignIn365(time, person, round > 1 && person == 9 ? 50053 : 50126);
    }
    time = Seconds(time, r_.Between(1500, 2100));
  }
  SignIn365(DemoTime(16, 23, 12, 40), kAccountant, 0);
}

void Intrusion::ReadMailbox(Timestamp from, int messages) {
  SignIn365(Seconds(from, -30), kAccountant, 0);
  for (int i = 0; i < messages; ++i) {
    from = Seconds(from, r_.Between(15, 110));
    JsonLine line =
        AuditEvent(from, "Exchange", "MailItemsAccessed", MailOf(kAccountant), kIntruderAddress, &r_);
    line.Text("MailboxOwnerUPN", MailOf(kAccountant))
        .Text("ClientInfoString", "Client=POP3/IMAP4;Protocol=IMAP4");
    Audit(from, line);
  }
}

void Intrusion::HideInMailbox(Timestamp time) {
  JsonLine forward =
      AuditEvent(time, "Exchange", "New-InboxRule", MailOf(kAccountant), kIntruderAddress, &r_);
  forward.Text("ObjectId", "j.keller\\.")
      .Json("Parameters",
            R"([{"Name":"AlwaysDeleteOutlookRulesBlob","Value":"False"},)"
            R"({"Name":"Name","Value":"."},{"Name":"ForwardTo","Value":"j.keller.accounts@example.net"}])");
  Audit(time, forward);
  time = Seconds(time, 95);
  JsonLine hide = AuditEvent(time, "Exchange", "New-InboxRule", MailOf(kAccountant), kIntruderAddress, &r_);
  hide.Text("ObjectId", "j.keller\\..")
      .Json(
          "Parameters",
          R"([{"Name":"Name","Value":".."},{"Name":"SubjectOrBodyContainsWords",)"
          R"("Value":"invoice;payment;hacked;password"},{"Name":"MoveToFolder","Value":"j.keller@example.com:\\RSS Feeds"}])");
  Audit(time, hide);
}

JsonLine Intrusion::Vpn(Timestamp time, std::string_view logid, std::string_view action,
                        std::string_view description) {
  JsonLine line = FirewallEvent(time, logid, "event", "vpn", "information");
  line.Text("logdesc", description).Text("action", action).Text("tunneltype", "ssl-tunnel");
  line.Text("remip", kIntruderAddress)
      .Text("tunnelip", "10.20.90.14")
      .Text("user", victim_)
      .Text("group", "vpn-users");
  return line;
}

void Intrusion::EnterThroughVpn() {
  const Timestamp time = DemoTime(17, 3, 7, 22);
  w_.Add(DemoSource::kFirewall, time, Vpn(time, "0101039424", "tunnel-up", "SSL VPN tunnel up"));
  // The domain controller does not let her in by remote desktop. The file server does: the accounting program
  // runs there.
  Timestamp attempt = DemoTime(17, 3, 15, 3);
  for (int i = 0; i < 3; ++i) {
    w_.Add(DemoSource::kDomainController, attempt,
           LogonEvent("DC01", attempt, victim_, 10, "10.20.90.14", false));
    attempt = Seconds(attempt, 21);
  }
  const Timestamp session = DemoTime(17, 3, 24, 48);
  OnFileServer(session, LogonEvent("FS01", session, victim_, 10, "10.20.90.14"));
}

void Intrusion::SearchFileServer() {
  static constexpr const char* kFiles[] = {"Accounting\\Invoices\\2026-10.xlsx",
                                           "Accounting\\Bank\\Online banking.docx",
                                           "Management\\Salaries 2026.xlsx",
                                           "General\\Telephone list.xlsx",
                                           "Sales\\Customers.xlsx",
                                           "IT\\Server passwords.xlsx"};
  Timestamp time = DemoTime(17, 3, 31);
  for (int i = 0; i < 40; ++i) {
    time = Seconds(time, r_.Between(4, 50));
    JsonLine line = SecurityEvent(
        "FS01", time, 5145,
        "A network share object was checked to see whether client can be granted desired access.", victim_);
    const char* file = i == 39 ? "IT\\Server passwords.xlsx" : r_.Pick(kFiles);
    line.Text("ObjectType", "File").Text("IpAddress", "10.20.90.14").Text("ShareName", "\\\\*\\Data");
    line.Text("ShareLocalPath", "\\??\\D:\\Data").Text("RelativeTargetName", file).Text("AccessMask", "0x1");
    OnFileServer(time, line);
  }
}

void Intrusion::TakeOverFileServer() {
  const Timestamp session = DemoTime(17, 3, 56, 10);
  OnFileServer(session, LogonEvent("FS01", session, kAdminLogin, 10, "10.20.90.14"));

  Command(DemoTime(17, 4, 4, 1), "net.exe", "net user svc_update S0mmer!2026 /add");
  const Timestamp created = DemoTime(17, 4, 4, 2);
  JsonLine user = SecurityEvent("FS01", created, 4720, "A user account was created.", kAdminLogin);
  user.Text("TargetUserName", "svc_update").Text("TargetDomainName", "FS01");
  OnFileServer(created, user.Text("TargetSid", "S-1-5-21-3457937927-2839227994-823803824-1012"));

  Command(DemoTime(17, 4, 4, 50), "net.exe", "net localgroup Administrators svc_update /add");
  const Timestamp added = DemoTime(17, 4, 4, 51);
  JsonLine group = SecurityEvent("FS01", added, 4732, "A member was added to a security-enabled local group.",
                                 kAdminLogin);
  group.Text("MemberName", "-").Text("MemberSid", "S-1-5-21-3457937927-2839227994-823803824-1012");
  group.Text("TargetUserName", "Administrators")
      .Text("TargetDomainName", "Builtin")
      .Text("TargetSid", "S-1-5-32-544");
  OnFileServer(added, group);

  const Timestamp off = DemoTime(17, 4, 12, 30);
  OnFileServer(
      off, DefenderEvent("FS01", off, 5001,
                         "Microsoft Defender Antivirus Real-time Protection scanning for malware and other "
                         "potentially unwanted software was disabled."));
}

void Intrusion::CarryDataOut() {
  Timestamp time = DemoTime(17, 4, 21);
  for (int i = 0; i < 46; ++i) {
    time = Seconds(time, r_.Between(90, 130));
    JsonLine line = FirewallEvent(time, "0000000013", "traffic", "forward", "notice");
    line.Text("srcip", "10.20.0.11")
        .Number("srcport", r_.Between(49152, 65535))
        .Text("dstip", "203.0.113.201");
    line.Number("dstport", 443)
        .Number("policyid", 4)
        .Number("proto", 6)
        .Text("action", "accept")
        .Text("service", "HTTPS");
    line.Number("sentbyte", 380'000'000 + r_.Below(30'000'000)).Number("rcvdbyte", 1'900'000);
    w_.Add(DemoSource::kFirewall, time, line);
  }
}

void Intrusion::DestroyTraces() {
  Command(DemoTime(17, 5, 58, 4), "vssadmin.exe", "vssadmin  delete shadows /all /quiet");
  Command(DemoTime(17, 5, 58, 39), "wbadmin.exe", "wbadmin  delete catalog -quiet");
  const Timestamp cleared = DemoTime(17, 6, 6, 12);
  JsonLine line = WindowsEvent("FS01", cleared, 1102, "Security", "Microsoft-Windows-Eventlog",
                               "The audit log was cleared.");
  OnFileServer(cleared, line.Text("SubjectUserName", kAdminLogin).Text("SubjectDomainName", "CORP"));
  const Timestamp down = DemoTime(17, 6, 9, 40);
  w_.Add(DemoSource::kFirewall, down, Vpn(down, "0101039425", "tunnel-down", "SSL VPN tunnel down"));
}

void Intrusion::CleanUpOnMonday() {
  const Timestamp reset = DemoTime(19, 8, 52, 6);
  const std::string admin = MailOf(kAdmin);
  Audit(reset, AuditEvent(reset, "AzureActiveDirectory", "Reset user password.", admin, kOfficeAddress, &r_)
                   .Text("ObjectId", MailOf(kAccountant)));
  for (int i = 0; i < 2; ++i) {
    const Timestamp removed = DemoTime(19, 8, 58, i * 14);
    Audit(removed, AuditEvent(removed, "Exchange", "Remove-InboxRule", admin, kOfficeAddress, &r_)
                       .Text("ObjectId", i == 0 ? "j.keller\\." : "j.keller\\.."));
  }
  const Timestamp deleted = DemoTime(19, 9, 20, 33);
  OnFileServer(deleted, SecurityEvent("FS01", deleted, 4726, "A user account was deleted.", kAdminLogin)
                            .Text("TargetUserName", "svc_update")
                            .Text("TargetDomainName", "FS01"));
  const Timestamp on = DemoTime(19, 9, 24, 10);
  OnFileServer(
      on, DefenderEvent("FS01", on, 5000,
                        "Microsoft Defender Antivirus Real-time Protection scanning for malware and other "
                        "potentially unwanted software was enabled."));
}

}  // namespace

void TellIntrusion(DemoRandom* random, DemoWriter* writer) { Intrusion(random, writer).Tell(); }

void TellShopOutage(DemoWriter* writer) {
  const auto tell = [writer](Timestamp time, std::string_view program, int pid, std::string_view message) {
    writer->Add(DemoSource::kWebServer, time, LinuxEvent(time, program, pid, message));
  };
  const Timestamp down = ShopDownFrom(), up = ShopDownUntil();
  tell(DemoTime(27, 10, 2), "shop-import", 31877,
       "importing /srv/shop/import/catalogue-2027.tar, 38 GB unpacked");
  tell(Seconds(down, -95), "shop-import", 31877,
       "cannot write /srv/shop/import/tmp/p-88213.tif: No space left on device");
  tell(Seconds(down, -21), "mariadbd", 902,
       "[ERROR] mariadbd: Disk is full writing './binlog.000412' (Errcode: 28 \"No space left on device\")");
  tell(Seconds(down, -2), "systemd", 1,
       "mariadb.service: Main process exited, code=exited, status=1/FAILURE");
  tell(Seconds(down, -1), "systemd", 1, "mariadb.service: Failed with result 'exit-code'.");
  for (int minute = 0; minute < 40; minute += 2) {
    tell(Seconds(down, 10 + minute * 60), "php-fpm", 1204,
         "ERROR: SQLSTATE[HY000] [2002] Connection refused");
  }
  tell(Seconds(up, -540), "sshd", 40112,
       "Accepted publickey for vogt from 10.20.1.12 port 50611 ssh2: ED25519 SHA256:Zr3bM1vVxq0");
  tell(Seconds(up, -320), "sudo", 40120,
       "vogt : TTY=pts/0 ; PWD=/srv/shop ; USER=root ; COMMAND=/usr/bin/rm -r /srv/shop/import/tmp");
  tell(Seconds(up, -12), "sudo", 40131,
       "vogt : TTY=pts/0 ; PWD=/srv/shop ; USER=root ; COMMAND=/usr/bin/systemctl start mariadb");
  tell(Seconds(up, -2), "systemd", 1, "Started mariadb.service - MariaDB 10.11.6 database server.");
  tell(Seconds(up, -1), "mariadbd", 40140, "[Note] mariadbd: ready for connections.");
}

void TellLookAlikes(DemoRandom* random, DemoWriter* writer) {
  // On holiday, looking at her mail now and then, with the confirmation on her phone.
  for (const int day : {14, 20, 22}) {
    const Timestamp time = DemoTime(day, 13, 20, day * 7);
    const SignIn sign_in{MailOf(kTraveller), kHotelAddress, "TH", "Mobile Apps and Desktop clients",
                         "Office 365 Exchange Online"};
    writer->Add(DemoSource::kMicrosoft365SignIns, time, SignInEvent(time, sign_in, random));
  }
  // The managing director prepares for the trade fair, late at night.
  const Timestamp late = DemoTime(29, 23, 41, 5);
  JsonLine vpn = FirewallEvent(late, "0101039424", "event", "vpn", "information");
  vpn.Text("logdesc", "SSL VPN tunnel up").Text("action", "tunnel-up").Text("tunneltype", "ssl-tunnel");
  vpn.Text("remip", "198.51.100.64").Text("tunnelip", "10.20.90.24").Text("user", kPeople[4].login);
  writer->Add(DemoSource::kFirewall, late, vpn.Text("group", "vpn-users"));
  // The administrator installs the label printer's program on the warehouse PC: a service, as it should be.
  const Timestamp installed = DemoTime(13, 10, 12, 44);
  JsonLine service = WindowsEvent(PcName(7), installed, 7045, "System", "Service Control Manager",
                                  "A service was installed in the system.");
  service.Text("ServiceName", "Label Printer Agent")
      .Text("ImagePath", "\"C:\\Program Files\\LabelPrint\\agent.exe\"");
  service.Text("ServiceType", "user mode service")
      .Text("StartType", "auto start")
      .Text("AccountName", "LocalSystem");
  writer->Add(DemoSource::kWorkstations, installed, service);
  // A newcomer gets an account, before he starts.
  const Timestamp created = DemoTime(15, 11, 3, 9);
  JsonLine user = SecurityEvent("DC01", created, 4720, "A user account was created.", kAdminLogin);
  user.Text("TargetUserName", kPeople[kNewcomer].login).Text("TargetDomainName", "CORP");
  writer->Add(DemoSource::kDomainController, created, user);
  // A false parcel notice, stopped by the virus protection.
  const Timestamp found = DemoTime(12, 9, 47, 18);
  for (const int event_id : {1116, 1117}) {
    const Timestamp time = Seconds(found, event_id == 1116 ? 0 : 9);
    JsonLine virus =
        DefenderEvent(PcName(9), time, event_id,
                      event_id == 1116 ? "Microsoft Defender Antivirus has detected malware or other "
                                         "potentially unwanted software."
                                       : "Microsoft Defender Antivirus has taken action to protect this "
                                         "machine from malware or other potentially unwanted software.");
    virus.Text("Threat Name", "Trojan:Win32/Wacatac.B!ml").Text("Severity Name", "Severe");
    virus.Text("Path", "file:_C:\\Users\\j.weber\\Downloads\\Parcel_4711.zip")
        .Text("Detection User", "CORP\\j.weber");
    writer->Add(DemoSource::kWorkstations, time, virus);
  }
}

}  // namespace redthread
