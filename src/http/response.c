#include "http/response.h"

#include <string.h>

#include "codec/json.h"

void
response_release(struct response *r)
{
	buf_release(&r->headers);
	buf_release(&r->body);
	r->code = 0;
	r->content_type = NULL;
}

void
response_reset(struct response *r)
{
	buf_reset(&r->headers);
	buf_reset(&r->body);
	r->code = 0;
	r->content_type = NULL;
}

enum status
response_header(struct response *r, const char *name, const char *value)
{
	/* A line end in it would begin another header, or the body. */
	if (strpbrk(name, "\r\n:") != NULL || strpbrk(value, "\r\n") != NULL)
		return ST_MALFORMED;
	return buf_printf(&r->headers, "%s: %s\r\n", name, value);
}

void
response_error(
    struct response *r, int code, const char *message, const char *request_id)
{
	buf_reset(&r->body);
	r->code = code;
	r->content_type = "application/json";
	buf_puts(&r->body, "{\"error\":");
	json_put_text(&r->body, message);
	buf_puts(&r->body, ",\"request_id\":");
	json_put_text(&r->body, request_id);
	buf_puts(&r->body, "}\n");
}

enum status
response_write(const struct response *r, bool head_only, struct buf *out)
{
	enum status st = r->headers.err != ST_OK ? r->headers.err : r->body.err;

	if (st != ST_OK)
		return st;
	buf_printf(out, "Status: %d %s\r\n", r->code, response_reason(r->code));
	if (r->content_type != NULL)
		buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    r->content_type, r->body.len);
	buf_put(out, buf_str(&r->headers), r->headers.len);
	buf_puts(out, "\r\n");
	if (!head_only && r->content_type != NULL)
		buf_put(out, buf_str(&r->body), r->body.len);
	return out->err;
}

const char *
response_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return "";
}
