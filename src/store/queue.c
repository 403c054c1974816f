#include "store/queue.h"

#include <stdlib.h>

void
queue_item_release(struct queue_item *i)
{
	free(i->id);
	free(i->receipt);
	free(i->queue);
	free(i->body);
	free(i->group);
	free(i->attributes);
	free(i->reason);
	*i = (struct queue_item){ 0 };
}
