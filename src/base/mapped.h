// Memory that a process which lives long holds without need.
#ifndef TA_BASE_MAPPED_H
#define TA_BASE_MAPPED_H

// Gives back the pages of program and libraries that were touched while they were loaded and never written
// to: what is needed again is read from the file, mostly out of the system's cache. For a process that links
// much, uses little of it, and lives long. Nothing where the system does not say what is mapped. Any thread.
void ta_mapped_give_back(void);

// Lets all threads share two heaps instead of up to eight for each core, where the C library allows it
// (glibc): what one thread frees another takes again, and memory does not grow with the number of threads. At
// the program's start, before threads are made.
void ta_mapped_share_heaps(void);

#endif
