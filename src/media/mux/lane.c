#include "media/mux/lane.h"

void ta_lane_destroy(struct ta_lane **lane)
{
    if (*lane)
        (*lane)->destroy(*lane);
    *lane = NULL;
}
