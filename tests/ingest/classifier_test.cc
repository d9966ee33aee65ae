#include "ingest/classifier.h"

#include <set>

#include "tests/ingest/ingest_fixture.h"

namespace redthread {
namespace {

LogSourceMap TestMap() {
  LogSourceMap map;
  map.services = {{"security", {"Security"}},
                  {"sysmon", {"Microsoft-Windows-Sysmon/Operational"}},
                  {"ldap", {"Microsoft-Windows-LDAP-Client/Debug"}},
                  {"ldap_debug", {"Microsoft-Windows-LDAP-Client/Debug"}}};
  map.categories = {
      {"sysmon-1", "process_creation", "sysmon", "core", {{"EventID", {"1"}}}, {}},
      {"security-4688",
       "process_creation",
       "security",
       "core",
       {{"EventID", {"4688"}}},
       {{"Image", "NewProcessName"}}},
      {"sysmon-12-13-14", "registry_event", "sysmon", "core", {{"EventID", {"12", "13", "14"}}}, {}},
      {"sysmon-12-create",
       "registry_add",
       "sysmon",
       "core",
       {{"EventID", {"12"}}, {"EventType", {"CreateKey"}}},
       {}},
  };
  LogSourceMap::Other linux_sysmon;
  linux_sysmon.name = "sysmon-linux-1";
  linux_sysmon.all_of = {{"Channel", {"Linux-Sysmon/Operational"}}, {"EventID", {"1"}}};
  linux_sysmon.log_source = {"linux", "process_creation", "sysmon"};
  LogSourceMap::Other okta;
  okta.name = "okta";
  okta.all_of = {{"eventType", {"*"}}, {"published", {"*"}}};
  okta.log_source = {"okta", "", "okta"};
  okta.renames = {{"eventtype", "eventType"}};
  LogSourceMap::Other azure;
  azure.name = "azure-audit";
  azure.all_of = {{"category", {"AuditLogs"}}};
  azure.log_source = {"azure", "", "auditlogs"};
  LogSourceMap::Other zeek;
  zeek.name = "zeek";
  zeek.any_field_of = {"@stream", "_path"};
  zeek.service_from = {"@stream", "_path"};
  zeek.log_source = {"zeek", "", ""};
  zeek.renames = {{"id.orig_h", "id_orig_h"}};
  LogSourceMap::Other web;
  web.name = "webserver-w3c";
  web.all_of = {{"c-ip", {"*"}}, {"sc-status", {"*"}}};
  web.log_source = {"", "webserver", ""};
  map.others = {linux_sysmon, okta, azure, zeek, web};
  return map;
}

class ClassifierTest : public IngestTest {
 protected:
  ClassifierTest() {
    Classifier::RegisterFields(TestMap(), &fields_);
    classifier_ = std::make_unique<Classifier>(TestMap(), fields_, &facts_);
  }

  // "product | services | categories (renames)".
  std::string Facts(const std::string& line, const DeclaredLogSource& declared = {}) {
    Decode(line);
    const LogSourceFacts& facts = classifier_->Facts(classifier_->Classify(event_, facts_.Declare(declared)));
    std::string out;
    for (const std::string& p : facts.products) out += p + " ";
    out += "|";
    for (const std::string& s : facts.services) out += " " + s;
    out += " |";
    for (const LogSourceFacts::CategoryFact& c : facts.categories) {
      out += " " + c.category;
      for (const auto& [from, to] : c.renames) out += "(" + from + "=" + to + ")";
    }
    for (const auto& [from, to] : facts.renames) out += " " + from + "=" + to;
    return out;
  }

  FactsTable facts_;
  std::unique_ptr<Classifier> classifier_;
};

TEST_F(ClassifierTest, SourceWithoutAProductAddsItsCategoryToAny) {
  EXPECT_EQ(Facts(R"({"c-ip":"192.0.2.1","sc-status":200})"), "| | webserver");
  EXPECT_EQ(Facts(R"({"c-ip":"192.0.2.1","sc-status":200})", {{"apache"}, {}, {}}), "apache | | webserver");
  EXPECT_EQ(Facts(R"({"c-ip":"192.0.2.1"})"), "| |");
}

TEST_F(ClassifierTest, WhatContentAndDeclarationsSay) {
  const DeclaredLogSource kNone;
  const DeclaredLogSource kWindows{{"windows"}, {}, {}};
  const struct {
    const char* line;
    DeclaredLogSource declared;
    const char* facts;
  } cases[] = {
      {R"({"Channel":"Security","EventID":4688})", kNone,
       "windows | security | process_creation(Image=NewProcessName)"},
      {R"({"Channel":"SECURITY","EventID":"4688"})", kNone,
       "windows | security | process_creation(Image=NewProcessName)"},
      {R"({"Channel":"Security","EventID":1})", kNone, "windows | security |"},
      {R"({"Channel":"Other","EventID":1})", kNone, "windows | |"},
      {R"({"Channel":"microsoft-windows-sysmon/operational","EventID":12})", kNone,
       "windows | sysmon | registry_event"},
      {R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":12,"EventType":"createkey"})", kNone,
       "windows | sysmon | registry_event registry_add"},
      {R"({"Channel":"Microsoft-Windows-LDAP-Client/Debug","EventID":30})", kNone,
       "windows | ldap ldap_debug |"},
      {R"({"Event":{"System":{"Channel":"Security","EventID":{"#text":4688}},"EventData":{}}})", kNone,
       "windows | security | process_creation(Image=NewProcessName)"},
      {R"({"winlog":{"channel":"Security","event_id":4688}})", kNone,
       "windows | security | process_creation(Image=NewProcessName)"},
      // Declared facts.
      {R"({"Message":"no channel"})", kNone, "| |"},
      {R"({"Message":"no channel"})", kWindows, "windows | |"},
      {R"({"EventID":1})", {{"windows"}, {"sysmon"}, {}}, "windows | sysmon | process_creation"},
      {R"({"Channel":"Security","EventID":4688})", {{"linux"}, {"auditd"}, {}}, "linux | auditd |"},
      {R"({"Channel":"Security","EventID":4688})",
       {{}, {"mine"}, {"file_event"}},
       "windows | mine security | file_event process_creation(Image=NewProcessName)"},
      {R"({"cs-method":"GET"})", {{"apache", "nginx"}, {}, {"webserver"}}, "apache nginx | | webserver"},
      // Others.
      {R"({"Channel":"Linux-Sysmon/Operational","EventID":1})", kNone, "linux | sysmon | process_creation"},
      {R"({"Channel":"Linux-Sysmon/Operational","EventID":1})",
       {{"linux"}, {}, {}},
       "linux | sysmon | process_creation"},
      {R"({"Channel":"Linux-Sysmon/Operational","EventID":4})", kNone, "linux | |"},
      {R"({"eventType":"x","published":"y"})", kNone, "okta | okta | eventtype=eventType"},
      {R"({"eventType":"x"})", kNone, "| |"},
      {R"({"eventType":"x"})", {{"okta"}, {"okta"}, {}}, "okta | okta | eventtype=eventType"},
      {R"({"category":"auditlogs"})", kNone, "azure | auditlogs |"},
      {R"({"category":"SignInLogs"})", kNone, "| |"},
      {R"({"@stream":"dns","id_orig_h":"x"})", kNone, "zeek | dns | id.orig_h=id_orig_h"},
      {R"({"_path":"conn"})", {{"zeek"}, {"dns"}, {}}, "zeek | conn dns | id.orig_h=id_orig_h"},
      {R"({"@stream":17})", kNone, "zeek | | id.orig_h=id_orig_h"},
      // A key that stands there twice: any of its values.
      {R"({"Channel":"Security","EventID":9999,"EventID":4688})", kNone,
       "windows | security | process_creation(Image=NewProcessName)"},
      {R"({"Channel":"x","Channel":"Microsoft-Windows-Sysmon/Operational","EventID":12,"EventID":1})", kNone,
       "windows | sysmon | process_creation registry_event"},
      // Values of no use.
      {R"({"Channel":null,"EventID":[1]})", kNone, "windows | |"},
      {R"({})", kNone, "| |"},
  };
  for (int round = 0; round < 2; ++round) {  // the second one from memory
    for (const auto& c : cases) {
      SCOPED_TRACE(c.line);
      const std::string facts = Facts(c.line, c.declared);
      EXPECT_EQ(facts.find_first_not_of(' ') == 0 ? facts : facts.substr(facts.find_first_not_of(' ')),
                c.facts);
    }
  }
}

TEST_F(ClassifierTest, EqualFactsShareTheirNumberAcrossClassifiers) {
  Classifier other(TestMap(), fields_, &facts_);
  Decode(R"({"Channel":"Security","EventID":4688})");
  const FactsId id = classifier_->Classify(event_, 0);
  EXPECT_EQ(other.Classify(event_, 0), id);
  Decode(R"({"Channel":"security","EventID":"4688","EventType":"x"})");
  EXPECT_EQ(classifier_->Classify(event_, 0), id);
}

TEST_F(ClassifierTest, AFloodOfInventedServicesIsBoundedAndHidesNothing) {
  for (int i = 0; i < 20'000; ++i) {
    Decode(R"({"@stream":"made_up_)" + std::to_string(i) + R"(","_path":"p)" + std::to_string(i % 300) +
           "\"}");
    classifier_->Classify(event_, 0);
  }
  EXPECT_LE(facts_.size(), FactsTable::kMaxFromContent + 50);
  EXPECT_EQ(Facts(R"({"Channel":"Security","EventID":4688})"),
            "windows | security | process_creation(Image=NewProcessName)");
  EXPECT_EQ(Facts(R"({"@stream":")" + std::string(1000, 'x') + "\"}"), "zeek | | id.orig_h=id_orig_h");
}

}  // namespace
}  // namespace redthread
