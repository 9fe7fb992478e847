/* found: the members of domains and mailboxes, in lists and alone. */
#pragma once

#include "api/cells.h"
#include "store/search.h"

void found_domain_write(struct cells *cells, const struct found_domain *domain);
void found_mailbox_write(struct cells *cells, const struct found_mailbox *mailbox);
