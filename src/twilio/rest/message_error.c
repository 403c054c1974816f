#include "twilio/rest/message_error.h"

#include <stddef.h>

/* In their order. */
static const struct {
	int code;
	const char *words;
} errors[] = {
	{ 20003,
	    "Twilio does not accept the account's credentials: check "
	    "twilio.account_sid with auth_token, or api_key with api_secret." },
	{ 20005,
	    "The account at Twilio is not active: look at it in Twilio's "
	    "console." },
	{ 20404,
	    "Twilio does not know the account or what was asked for: check "
	    "twilio.account_sid." },
	{ 21211, "The number that this goes to is not a valid one." },
	{ 21212, "The number that this is sent from is not a valid one." },
	{ 21408,
	    "The account may not send to that country: allow it in Twilio's "
	    "console, under Geo permissions." },
	{ 21602, "There is nothing to send: no text and no media." },
	{ 21603, "There is no number to send from." },
	{ 21604, "There is no number to send to." },
	{ 21606,
	    "The number that this is sent from cannot send to this person: it "
	    "is not the account's, or not made for messages to there." },
	{ 21608,
	    "A trial account at Twilio sends only to numbers that were "
	    "verified there." },
	{ 21609,
	    "Twilio does not accept our address for status callbacks: check "
	    "server.public_url." },
	{ 21610,
	    "This person has opted out (STOP) and gets nothing until they "
	    "write START." },
	{ 21611,
	    "Too many messages wait at Twilio for the number that this is sent "
	    "from: send it again later." },
	{ 21612,
	    "Twilio cannot reach this person from the number that this is sent "
	    "from." },
	{ 21614,
	    "The number that this goes to is not a mobile one and gets no "
	    "messages." },
	{ 21617, "The text is longer than 1600 characters: send it in parts." },
	{ 21619, "There is nothing to send: no text and no media." },
	{ 21620,
	    "A media link is not one that Twilio can use: it must be a public "
	    "https address." },
	{ 21623, "There are too many media links: ten are allowed." },
	{ 21701, "Twilio does not know this messaging service." },
	{ 21703,
	    "The messaging service at Twilio has no number to send from." },
	{ 21705, "Twilio does not know this messaging service." },
	{ 21910,
	    "From and To are not of the same channel: both WhatsApp, or both "
	    "plain numbers." },
	{ 30001,
	    "Too many messages waited at Twilio, and this one was dropped: "
	    "send it again later." },
	{ 30002,
	    "The account at Twilio was suspended before this was delivered." },
	{ 30003, "The phone cannot be reached: it is off or has no network." },
	{ 30004,
	    "The message was blocked: by the person, by their carrier, or "
	    "because the number gets none." },
	{ 30005, "The number is not known any more, or the phone is off." },
	{ 30006,
	    "The number is a landline, or its carrier cannot be reached." },
	{ 30007,
	    "The carrier took the message for spam and did not deliver it." },
	{ 30008,
	    "The carrier did not deliver the message and gave no reason." },
	{ 30034,
	    "US carriers do not deliver from a number without an A2P 10DLC "
	    "registration." },
	{ 63001,
	    "The channel did not accept the sender's credentials: look at the "
	    "sender in Twilio's console." },
	{ 63003,
	    "The channel does not know this person: the number is perhaps not "
	    "on WhatsApp." },
	{ 63005, "The channel did not accept what the message contains." },
	{ 63007,
	    "Twilio knows no WhatsApp or other channel sender of that From "
	    "address: check twilio.sender, and the senders in Twilio's "
	    "console." },
	{ 63012, "The channel has trouble of its own: send it again later." },
	{ 63013, "The channel refused the message for breaking its rules." },
	{ 63015,
	    "The WhatsApp sandbox sends only to people who have joined it." },
	{ 63016,
	    "The person last wrote more than 24 hours ago, and WhatsApp then "
	    "takes nothing but an approved template: wait until they write." },
	{ 63018,
	    "The channel got too many messages at once: send it again later." },
	{ 63019, "The media could not be fetched from its link." },
	{ 63020,
	    "Meta's business account is not set up fully: look at it in Meta's "
	    "business manager." },
	{ 63021, "The channel did not accept what the message contains." },
	{ 63024,
	    "The channel cannot deliver to this person: the number is perhaps "
	    "not on WhatsApp." },
	{ 63032,
	    "WhatsApp does not deliver this message to this person at "
	    "present." },
	{ 63036, "The person cannot be reached on WhatsApp with this number." },
	{ 63038, "The account has sent as many messages as it may in a day." },
	{ 63049, "Meta chose not to deliver this message." },
	{ 63051,
	    "Meta has locked or restricted the WhatsApp business account." },
};

const char *
message_error_words(int code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code)
			return errors[i].words;
	return NULL;
}
