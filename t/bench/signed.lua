-- A fresh, signed request every time (wrk runs this).
--
-- arguments: TEMPLATE RECORDS FIRST. The template is a whole HTTP request with
-- runs of one letter where a record goes: S (32, the message's SID), N (4, the
-- sender's last digits) and G (28, the signature). See load.c.
local ffi = require("ffi")

local RECORD = 64
local threads = {}

local function slurp(path)
	local file = assert(io.open(path, "rb"))
	local bytes = file:read("*a")
	file:close()
	return bytes
end

local function places(template, letter, length)
	local run, found, from = letter:rep(length), {}, 1
	while true do
		local at = template:find(run, from, true)
		if not at then
			return found
		end
		found[#found + 1] = at - 1
		from = at + length
	end
end

function setup(thread)
	threads[#threads + 1] = thread
end

function init(args)
	local template = slurp(args[1])
	sid_at = places(template, "S", 32)
	number_at = places(template, "N", 4)
	signature_at = places(template, "G", 28)
	request_len = #template
	buffer = ffi.new("char[?]", request_len)
	ffi.copy(buffer, template, request_len)
	records = slurp(args[2])
	pointer = ffi.cast("const char *", records)
	total = #records / RECORD
	next_record = tonumber(args[3])
	used = 0
end

function request()
	local record = pointer + (next_record % total) * RECORD
	for i = 1, #sid_at do
		ffi.copy(buffer + sid_at[i], record, 32)
	end
	for i = 1, #number_at do
		ffi.copy(buffer + number_at[i], record + 32, 4)
	end
	for i = 1, #signature_at do
		ffi.copy(buffer + signature_at[i], record + 36, 28)
	end
	next_record = next_record + 1
	used = used + 1
	return ffi.string(buffer, request_len)
end

function done(summary, latency)
	local count, errors = 0, summary.errors
	for _, thread in ipairs(threads) do
		count = count + thread:get("used")
	end
	io.write(string.format("result %.0f %d %d %d %d\n",
		summary.requests / (summary.duration / 1e6),
		latency:percentile(50), latency:percentile(99),
		errors.status + errors.connect + errors.read + errors.write +
		errors.timeout, count))
end
