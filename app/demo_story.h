// What happened in the sample month besides the routine: an intrusion over a weekend, an outage of the shop
// of another cause, and a few harmless things that look like an attack.
#pragma once

#include "app/demo_random.h"
#include "app/demo_writer.h"

namespace redthread {

// 16 to 19 October: passwords are tried against all mailboxes, one is guessed; the mailbox is read and its
// mail forwarded; with the same password through the VPN to the file server, where an administrator's
// password lies in a document; new administrator, protection off, data carried out, shadow copies deleted,
// log cleared.
void TellIntrusion(DemoRandom* random, DemoWriter* writer);

// 27 October: the disk of WEB01 fills up, the database stops, the shop answers 503 until space is made.
void TellShopOutage(DemoWriter* writer);

// A colleague on holiday, a late worker, a program installed by the administrator, a stopped virus, a
// newcomer, a backup disk that was not changed.
void TellLookAlikes(DemoRandom* random, DemoWriter* writer);

}  // namespace redthread
