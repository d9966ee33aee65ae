// Entities: one spelling for each host, user and address, and nobody where there is none.
#include "correlate/entities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/entity_map.h"
#include "tests/correlate/decoded_event.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(NormaliseUserTest, OneUserHasOneSpelling) {
  const struct {
    const char* text;
    const char* domain;
    const char* host;
    const char* expected;
  } kCases[] = {
      {"alice", "", "", "alice"},
      {"Alice", "CORP", "ws01", "alice"},
      {"CORP\\Alice", "", "ws01", "alice"},
      {"alice@corp.example", "", "ws01", "alice"},
      {"  alice ", " CORP ", "ws01", "alice"},
      {"ÄRGER", "", "", "ärger"},
      // Accounts of one host are known by it.
      {"Administrator", "WS01", "ws01", "administrator@ws01"},
      {"WS01\\Administrator", "", "ws01", "administrator@ws01"},
      {".\\Administrator", "", "ws01", "administrator@ws01"},
      {"root@ws01.corp.example", "", "ws01", "root@ws01"},
      {"Administrator", "WS02", "ws01", "administrator"},
      // The caller takes it for a host.
      {"WS01$", "CORP", "dc01", "ws01$"},
      // Nobody.
      {"", "", "ws01", ""},
      {"-", "-", "ws01", ""},
      {"SYSTEM", "NT AUTHORITY", "ws01", ""},
      {"NT AUTHORITY\\SYSTEM", "", "ws01", ""},
      {"NT-AUTORITÄT\\Lokaler Dienst", "", "ws01", ""},
      {"LOCAL SERVICE", "", "ws01", ""},
      {"NETWORK SERVICE", "", "ws01", ""},
      {"ANONYMOUS LOGON", "", "ws01", ""},
      {"DWM-1", "Window Manager", "ws01", ""},
      {"UMFD-0", "Font Driver Host", "ws01", ""},
      // Groups stand where accounts do, but are none.
      {"Administrators", "Builtin", "ws01", ""},
      {"Administratoren", "BUILTIN", "ws01", ""},
      {"BUILTIN\\Remote Desktop Users", "", "ws01", ""},
      {"Domain Admins", "CORP", "dc01", ""},
      {"Enterprise Admins", "CORP", "dc01", ""},
      {"administrators", "", "", ""},
      {"domain admin", "CORP", "dc01", "domain admin"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(NormaliseUser(c.text, c.domain, c.host), c.expected)
        << c.text << " of " << c.domain << " on " << c.host;
  }
}

TEST(NormaliseHostTest, OneHostHasOneSpelling) {
  const struct {
    const char* text;
    const char* expected;
  } kCases[] = {
      {"WS01", "ws01"},
      {"ws01.corp.example", "ws01"},
      {"\\\\FILES", "files"},
      {" ws01 ", "ws01"},
      {"192.0.2.7", "192.0.2.7"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
      {"localhost", ""},
      {"LOCALHOST.localdomain", ""},
      {"127.0.0.1", ""},
      {"-", ""},
      {"", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(NormaliseHost(c.text), c.expected) << c.text;
}

TEST(NormaliseAddressTest, OneAddressHasOneSpelling) {
  const struct {
    const char* text;
    const char* expected;
  } kCases[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
      {"::FFFF:C000:0207", "192.0.2.7"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"fe80::1%eth0", "fe80::1"},
      {"127.0.0.1", ""},
      {"127.8.9.10", ""},
      {"::1", ""},
      {"::", ""},
      {"0.0.0.0", ""},
      {"::ffff:127.0.0.1", ""},
      {"not an address", ""},
      {"192.0.2.256", ""},
      {"", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(NormaliseAddress(c.text), c.expected) << c.text;
}

class EntityExtractorTest : public ::testing::Test {
 protected:
  EntityExtractorTest() {
    Result<EntityMap> map = LoadEntityMap(REDTHREAD_SOURCE_DIR "/rules/entities.yml");
    EXPECT_TRUE(map.ok()) << map.status().message();
    if (map.ok()) map_ = std::move(*map);
    JsonDecoder::RegisterFields(&fields_);
    EntityExtractor::RegisterFields(map_, &fields_);
    windows_ = facts_.Intern({.products = {"windows"}, .services = {"security"}});
    linux_ = facts_.Intern({.products = {"linux"}});
  }

  AlertGroup Extract(const std::string& json, FactsId facts, std::vector<std::string> own = {}) {
    EntityExtractor extractor(map_, fields_, facts_, own);
    return extractor.Extract(*DecodedEvent(fields_, json), facts);
  }

  EntityMap map_;
  FieldTable fields_;
  FactsTable facts_;
  FactsId windows_ = 0;
  FactsId linux_ = 0;
};

TEST_F(EntityExtractorTest, RolesNameWhoActedAndToWhomItWasDone) {
  EXPECT_THAT(
      Extract(R"({"Computer":"DC01.corp.example","SubjectUserName":"Alice","SubjectDomainName":"CORP",)"
              R"("TargetUserName":"bob","TargetDomainName":"CORP","IpAddress":"::ffff:192.0.2.7",)"
              R"("WorkstationName":"WS01"})",
              windows_),
      ElementsAre(Pair("address", "192.0.2.7"), Pair("host", "dc01"), Pair("source_host", "ws01"),
                  Pair("target_user", "bob"), Pair("user", "alice")));
}

TEST_F(EntityExtractorTest, AMachineAccountIsItsHostAndOnItsOwnHostNobody) {
  EXPECT_THAT(
      Extract(R"({"Computer":"DC01","SubjectUserName":"WS01$","SubjectDomainName":"CORP"})", windows_),
      ElementsAre(Pair("host", "dc01"), Pair("source_host", "ws01")));
  EXPECT_THAT(
      Extract(R"({"Computer":"DC01","SubjectUserName":"DC01$","SubjectDomainName":"CORP"})", windows_),
      ElementsAre(Pair("host", "dc01")));
}

TEST_F(EntityExtractorTest, ALocalAccountIsKnownByItsHostWhereverTheHostStandsInTheRecord) {
  EXPECT_THAT(
      Extract(
          R"({"TargetUserName":"Administrator","TargetDomainName":"WS01","Computer":"ws01.corp.example"})",
          windows_),
      ElementsAre(Pair("host", "ws01"), Pair("target_user", "administrator@ws01")));
}

TEST_F(EntityExtractorTest, TheGroupThatAMemberIsAddedToIsNoAccount) {
  EXPECT_THAT(Extract(R"({"EventID":4732,"Computer":"ws01","SubjectUserName":"alice","MemberName":"-",)"
                      R"("TargetUserName":"Administrators","TargetDomainName":"Builtin"})",
                      windows_),
              ElementsAre(Pair("host", "ws01"), Pair("user", "alice")));
}

TEST_F(EntityExtractorTest, SeveralValuesOfOneNameAreOneSortedArray) {
  EXPECT_THAT(Extract(R"({"Computer":"ws01","User":["CORP\\zoe","adam","ADAM","-"]})", windows_),
              ElementsAre(Pair("host", "ws01"), Pair("user", R"(["adam", "zoe"])")));
}

TEST_F(EntityExtractorTest, TheSitesOwnAddressesAreNobody) {
  const char* json = R"({"Computer":"ws01","IpAddress":"203.0.113.7"})";
  EXPECT_THAT(Extract(json, windows_), ElementsAre(Pair("address", "203.0.113.7"), Pair("host", "ws01")));
  EXPECT_THAT(Extract(json, windows_, {"::ffff:203.0.113.7"}), ElementsAre(Pair("host", "ws01")));
}

TEST_F(EntityExtractorTest, EachLogSourceHasItsOwnFieldsAndUnknownOnesTheGeneral) {
  const char* json = R"({"hostname":"web01","acct":"root","TargetUserName":"bob","src_ip":"192.0.2.9"})";
  EXPECT_THAT(Extract(json, linux_),
              ElementsAre(Pair("address", "192.0.2.9"), Pair("host", "web01"), Pair("target_user", "root")));
  EXPECT_THAT(Extract(json, FactsTable::kNoFacts),
              ElementsAre(Pair("address", "192.0.2.9"), Pair("host", "web01"), Pair("target_user", "bob")));
}

TEST_F(EntityExtractorTest, AnEventWithoutAnyHasNone) {
  EXPECT_THAT(Extract(R"({"Computer":null,"User":{"name":"x"},"IpAddress":"-"})", windows_), IsEmpty());
  EXPECT_THAT(Extract("{}", FactsTable::kNoFacts), IsEmpty());
}

}  // namespace
}  // namespace redthread
