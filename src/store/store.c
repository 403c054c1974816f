#include "store/store.h"

#include <stdlib.h>

void
conversation_release(struct conversation *c)
{
	free(c->id);
	free(c->tel);
	free(c->thread_id);
	free(c->company_id);
	free(c->project_id);
	*c = (struct conversation){ 0 };
}
