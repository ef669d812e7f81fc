// What both parsers refuse to read.
#ifndef TA_BASE_TREE_LIMITS_H
#define TA_BASE_TREE_LIMITS_H

#define TA_TREE_DEPTH_MAX 32 // lists and objects inside one another
#define TA_TREE_SIZE_MAX (4 << 20)

#endif
