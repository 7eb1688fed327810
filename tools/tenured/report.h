/* What a node says about itself: status, metrics, and in a sentence why nothing moves. */
#ifndef TOOLS_TENURED_REPORT_H
#define TOOLS_TENURED_REPORT_H

#include "tools/tenured/node.h"

/* api_node.status and .metrics; `self` is the node. */
void report_status(void *self, struct api_status *status);
void report_metrics(void *self, struct text *text);

#endif
