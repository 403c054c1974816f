/* Secrets that came as JSON. */
#ifndef CODEC_JSON_WIPE_H
#define CODEC_JSON_WIPE_H

#include "codec/json.h"

/* Overwrite all texts of a tree, which is then good for json_free only. NULL
 * is taken. */
void json_wipe(const struct json *);

#endif
