-- Plain GET, with the result in signed.lua's form (wrk runs this).
function done(summary, latency)
	local errors = summary.errors
	io.write(string.format("result %.0f %d %d %d %d\n",
		summary.requests / (summary.duration / 1e6),
		latency:percentile(50), latency:percentile(99),
		errors.status + errors.connect + errors.read + errors.write +
		errors.timeout, summary.requests))
end
