// Memory that libraries take up by being loaded.
#ifndef TA_BASE_MAPPED_H
#define TA_BASE_MAPPED_H

// Gives back the pages of program and libraries that were touched while they were loaded and never written
// to: what is needed again is read from the file, mostly out of the system's cache. For a process that links
// much, uses little of it, and lives long. Nothing where the system does not say what is mapped. Any thread.
void ta_mapped_give_back(void);

#endif
