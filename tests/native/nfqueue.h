#ifndef NFQUEUE_H
#define NFQUEUE_H

struct source;

// Diverts the packets of the namespace that the process is in. Ends the process where it cannot.
const struct source *nfqueue_open(void);

#endif
