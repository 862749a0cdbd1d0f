/*
 * main/media.h - the media process: into the sandbox, then relay (relay/media.h)
 */
#ifndef RF_MAIN_MEDIA_H
#define RF_MAIN_MEDIA_H

/** main() of the child; returns its exit status. */
int rf_media_main(void);

#endif
