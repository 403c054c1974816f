/* Made by tools/gen-twiml-grammar from twiml-grammar.json: do not edit. */
#include "twilio/grammar.h"

/* clang-format off */
const struct grammar_element grammar_elements[] = {
	{ .id = "VoiceResponse", .tag = "Response",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "",
	  .children =
	    "Connect|Dial|Echo|Enqueue|Gather|Hangup|Leave|Pause|Pay|"
	    "Play|Prompt|Queue|Record|Redirect|Refer|Reject|Say|Sms|"
	    "Start|Stop" },
	{ .id = "Connect", .tag = "Connect",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "action|method",
	  .children =
	    "AiSession|Autopilot|Conversation|ConversationRelay|"
	    "ConversationRelaySession|Room|Stream|VirtualAgent" },
	{ .id = "Dial", .tag = "Dial",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "action|answerOnBridge|callerId|events|hangupOnStar|method|"
	    "passports|record|recordingConfigurationId|"
	    "recordingStatusCallback|recordingStatusCallbackEvent|"
	    "recordingStatusCallbackMethod|recordingTrack|referMethod|"
	    "referUrl|ringTone|sequential|timeLimit|timeout|trim",
	  .children =
	    "Application|Client|Conference|Number|Queue|Sim|Sip|WhatsApp" },
	{ .id = "Echo", .tag = "Echo",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "",
	  .children =
	    "" },
	{ .id = "Enqueue", .tag = "Enqueue",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "action|maxQueueSize|method|waitUrl|waitUrlMethod|workflowSid",
	  .children =
	    "Task" },
	{ .id = "Gather", .tag = "Gather",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "action|actionOnEmptyResult|bargeIn|debug|enhanced|"
	    "finishOnKey|hints|input|language|maxSpeechTime|method|"
	    "numDigits|partialResultCallback|partialResultCallbackMethod|"
	    "profanityFilter|speechModel|speechTimeout|timeout",
	  .children =
	    "Pause|Play|Say" },
	{ .id = "Hangup", .tag = "Hangup",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "",
	  .children =
	    "Parameter" },
	{ .id = "Leave", .tag = "Leave",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "",
	  .children =
	    "" },
	{ .id = "Pause", .tag = "Pause",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "length",
	  .children =
	    "" },
	{ .id = "Pay", .tag = "Pay",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "action|bankAccountType|chargeAmount|currency|description|"
	    "input|language|maxAttempts|minPostalCodeLength|"
	    "paymentConnector|paymentMethod|postalCode|securityCode|"
	    "statusCallback|statusCallbackMethod|timeout|tokenType|"
	    "validCardTypes",
	  .children =
	    "Parameter|Prompt" },
	{ .id = "Play", .tag = "Play",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "digits|loop",
	  .children =
	    "" },
	{ .id = "Prompt", .tag = "Prompt",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "attempt|cardType|errorType|for|requireMatchingInputs",
	  .children =
	    "Pause|Play|Say" },
	{ .id = "Queue", .tag = "Queue",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "method|postWorkActivitySid|reservationSid|url",
	  .children =
	    "" },
	{ .id = "Record", .tag = "Record",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "action|finishOnKey|maxLength|method|playBeep|"
	    "recordingConfigurationId|recordingStatusCallback|"
	    "recordingStatusCallbackEvent|recordingStatusCallbackMethod|"
	    "timeout|transcribe|transcribeCallback|trim",
	  .children =
	    "" },
	{ .id = "Redirect", .tag = "Redirect",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "method",
	  .children =
	    "" },
	{ .id = "Refer", .tag = "Refer",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "action|method",
	  .children =
	    "ReferSip" },
	{ .id = "Reject", .tag = "Reject",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "reason",
	  .children =
	    "Parameter" },
	{ .id = "Say", .tag = "Say",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "language|loop|voice",
	  .children =
	    "SsmlBreak|SsmlEmphasis|SsmlLang|SsmlP|SsmlPhoneme|"
	    "SsmlProsody|SsmlS|SsmlSayAs|SsmlSub|SsmlW" },
	{ .id = "Sms", .tag = "Sms",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "action|from|method|statusCallback|to",
	  .children =
	    "" },
	{ .id = "Start", .tag = "Start",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "action|method",
	  .children =
	    "MediaFilter|Recording|Siprec|Stream|Transcription" },
	{ .id = "Stop", .tag = "Stop",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "",
	  .children =
	    "MediaFilter|Siprec|Stream|Transcription" },
	{ .id = "ApplicationSid", .tag = "ApplicationSid",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "",
	  .children =
	    "" },
	{ .id = "Parameter", .tag = "Parameter",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "name|value",
	  .children =
	    "" },
	{ .id = "Identity", .tag = "Identity",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "",
	  .children =
	    "" },
	{ .id = "AiSession", .tag = "AiSession",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "aiConnector|aiSessionConfiguration",
	  .children =
	    "" },
	{ .id = "Autopilot", .tag = "Autopilot",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "",
	  .children =
	    "" },
	{ .id = "Conversation", .tag = "Conversation",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "inboundAutocreation|inboundTimeout|method|record|"
	    "recordingStatusCallback|recordingStatusCallbackEvent|"
	    "recordingStatusCallbackMethod|routingAssignmentTimeout|"
	    "serviceInstanceSid|statusCallback|statusCallbackEvent|"
	    "statusCallbackMethod|trim|url",
	  .children =
	    "" },
	{ .id = "ConversationRelay", .tag = "ConversationRelay",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "applicationReconnect|asrSmartFormat|"
	    "backgroundNoiseReduction|backgroundnoisereduction|"
	    "conversationConfiguration|conversationId|customerName|debug|"
	    "deepgramSmartFormat|deepgramsmartformat|dtmfDetection|"
	    "eagerEotThreshold|echoPromptFiltering|"
	    "elevenlabsLanguageTextNormalization|"
	    "elevenlabsTextNormalization|eotThreshold|events|hints|"
	    "ignoreBackchannel|ignorebackchannel|includeInPrompt|"
	    "intelligenceService|interruptSensitivity|interruptible|"
	    "language|partialPromptOnHangup|partialPrompts|preemptible|"
	    "profanityFilter|reportInputDuringAgentSpeech|speechModel|"
	    "speechTimeout|speechtimeout|transcriptionLanguage|"
	    "transcriptionProvider|ttsLanguage|"
	    "ttsLanguageTextNormalization|ttsProvider|"
	    "ttsTextNormalization|turnDetection|url|voice|"
	    "welcomeGreeting|welcomeGreetingInterruptible",
	  .children =
	    "Language|Parameter" },
	{ .id = "ConversationRelaySession", .tag = "ConversationRelaySession",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "connector|sessionConfiguration",
	  .children =
	    "" },
	{ .id = "Room", .tag = "Room",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "participantIdentity",
	  .children =
	    "" },
	{ .id = "Stream", .tag = "Stream",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "audioFormat|connectorName|name|sampleRate|statusCallback|"
	    "statusCallbackMethod|track|url",
	  .children =
	    "Parameter" },
	{ .id = "VirtualAgent", .tag = "VirtualAgent",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "connectorName|language|sentimentAnalysis|statusCallback|"
	    "statusCallbackMethod",
	  .children =
	    "Config|Parameter" },
	{ .id = "Language", .tag = "Language",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "asrSmartFormat|code|hints|speechModel|transcriptionProvider|"
	    "ttsLanguageTextNormalization|ttsProvider|"
	    "ttsTextNormalization|voice",
	  .children =
	    "" },
	{ .id = "Application", .tag = "Application",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "copyParentTo|customerId|method|statusCallback|"
	    "statusCallbackEvent|statusCallbackMethod|url",
	  .children =
	    "ApplicationSid|Parameter" },
	{ .id = "Client", .tag = "Client",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "method|statusCallback|statusCallbackEvent|"
	    "statusCallbackMethod|url",
	  .children =
	    "Identity|Parameter" },
	{ .id = "Conference", .tag = "Conference",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "beep|coach|endConferenceOnExit|eventCallbackUrl|"
	    "jitterBufferSize|maxParticipants|muted|participantLabel|"
	    "record|recordingConfigurationId|recordingStatusCallback|"
	    "recordingStatusCallbackEvent|recordingStatusCallbackMethod|"
	    "region|startConferenceOnEnter|statusCallback|"
	    "statusCallbackEvent|statusCallbackMethod|trim|waitMethod|"
	    "waitUrl",
	  .children =
	    "" },
	{ .id = "Number", .tag = "Number",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "amdStatusCallback|amdStatusCallbackMethod|byoc|"
	    "machineDetection|machineDetectionSilenceTimeout|"
	    "machineDetectionSpeechEndThreshold|"
	    "machineDetectionSpeechThreshold|machineDetectionTimeout|"
	    "method|sendDigits|statusCallback|statusCallbackEvent|"
	    "statusCallbackMethod|url",
	  .children =
	    "" },
	{ .id = "Sim", .tag = "Sim",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "",
	  .children =
	    "" },
	{ .id = "Sip", .tag = "Sip",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "amdStatusCallback|amdStatusCallbackMethod|machineDetection|"
	    "machineDetectionSilenceTimeout|"
	    "machineDetectionSpeechEndThreshold|"
	    "machineDetectionSpeechThreshold|machineDetectionTimeout|"
	    "method|password|statusCallback|statusCallbackEvent|"
	    "statusCallbackMethod|url|username",
	  .children =
	    "Headers|SipUri" },
	{ .id = "WhatsApp", .tag = "WhatsApp",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "method|statusCallback|statusCallbackEvent|"
	    "statusCallbackMethod|url",
	  .children =
	    "" },
	{ .id = "Task", .tag = "Task",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "priority|timeout",
	  .children =
	    "" },
	{ .id = "Header", .tag = "Header",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "name|value",
	  .children =
	    "" },
	{ .id = "ReferSip", .tag = "Sip",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "",
	  .children =
	    "" },
	{ .id = "SsmlBreak", .tag = "break",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "strength|time",
	  .children =
	    "" },
	{ .id = "SsmlEmphasis", .tag = "emphasis",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "level",
	  .children =
	    "SsmlBreak|SsmlEmphasis|SsmlLang|SsmlPhoneme|SsmlProsody|"
	    "SsmlSayAs|SsmlSub|SsmlW" },
	{ .id = "SsmlLang", .tag = "lang",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "xml:lang",
	  .children =
	    "SsmlBreak|SsmlEmphasis|SsmlLang|SsmlP|SsmlPhoneme|"
	    "SsmlProsody|SsmlS|SsmlSayAs|SsmlSub|SsmlW" },
	{ .id = "SsmlP", .tag = "p",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "",
	  .children =
	    "SsmlBreak|SsmlEmphasis|SsmlLang|SsmlPhoneme|SsmlProsody|"
	    "SsmlS|SsmlSayAs|SsmlSub|SsmlW" },
	{ .id = "SsmlPhoneme", .tag = "phoneme",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "alphabet|ph",
	  .children =
	    "" },
	{ .id = "SsmlProsody", .tag = "prosody",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "pitch|rate|volume",
	  .children =
	    "SsmlBreak|SsmlEmphasis|SsmlLang|SsmlP|SsmlPhoneme|"
	    "SsmlProsody|SsmlS|SsmlSayAs|SsmlSub|SsmlW" },
	{ .id = "SsmlS", .tag = "s",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "",
	  .children =
	    "SsmlBreak|SsmlEmphasis|SsmlLang|SsmlPhoneme|SsmlProsody|"
	    "SsmlSayAs|SsmlSub|SsmlW" },
	{ .id = "SsmlSayAs", .tag = "say-as",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "format|interpret-as",
	  .children =
	    "" },
	{ .id = "SsmlSub", .tag = "sub",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "alias",
	  .children =
	    "" },
	{ .id = "SsmlW", .tag = "w",
	  .text = GRAMMAR_SPEECH,
	  .attributes =
	    "role",
	  .children =
	    "SsmlBreak|SsmlEmphasis|SsmlPhoneme|SsmlProsody|SsmlSayAs|"
	    "SsmlSub" },
	{ .id = "Headers", .tag = "Headers",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "",
	  .children =
	    "Header" },
	{ .id = "SipUri", .tag = "Uri",
	  .text = GRAMMAR_TEXT,
	  .attributes =
	    "password|priority|username|weight",
	  .children =
	    "" },
	{ .id = "Recording", .tag = "Recording",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "channels|recordingConfigurationId|recordingStatusCallback|"
	    "recordingStatusCallbackEvent|recordingStatusCallbackMethod|"
	    "track|trim",
	  .children =
	    "" },
	{ .id = "Siprec", .tag = "Siprec",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "connectorName|name|statusCallback|statusCallbackMethod|track",
	  .children =
	    "Parameter" },
	{ .id = "Transcription", .tag = "Transcription",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "conversationConfiguration|conversationId|"
	    "enableAutomaticPunctuation|hints|inboundTrackLabel|"
	    "intelligenceService|languageCode|name|outboundTrackLabel|"
	    "partialResults|profanityFilter|speechModel|"
	    "statusCallbackMethod|statusCallbackUrl|track|"
	    "transcriptionEngine",
	  .children =
	    "Config|Parameter" },
	{ .id = "Config", .tag = "Config",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "name|value",
	  .children =
	    "" },
	{ .id = "MediaFilter", .tag = "MediaFilter",
	  .text = GRAMMAR_NO_TEXT,
	  .attributes =
	    "filterType|model|name|track",
	  .children =
	    "Parameter" },
};
/* clang-format on */

const size_t grammar_elements_n =
    sizeof(grammar_elements) / sizeof(grammar_elements[0]);
