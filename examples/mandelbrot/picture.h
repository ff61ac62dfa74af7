/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of how many steps each point has taken; 0 for those that never leave. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdint.h>
#include <stdio.h>

#define WIDTH  320
#define HEIGHT 240

typedef uint8_t picture[HEIGHT][WIDTH];

/* A grey picture that every viewer knows: netpbm's "P5". False if it could not be written. */
static inline int picture_write(picture steps, const char *path)
{
	FILE *file = fopen(path, "wb");
	if (!file)
		return 0;
	fprintf(file, "P5\n%d %d\n255\n", WIDTH, HEIGHT);
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			putc(steps[y][x] ? 255 - steps[y][x] : 0, file);
	return !ferror(file) & !fclose(file);
}

/* 80 columns and 24 lines. */
static inline void picture_print(picture steps)
{
	static const char shades[] = " ..::--==++**##%%";
	for (int y = HEIGHT / 48; y < HEIGHT; y += HEIGHT / 24) {
		for (int x = WIDTH / 160; x < WIDTH; x += WIDTH / 80) {
			unsigned n = steps[y][x], last = sizeof shades - 2;
			putchar(n ? shades[n < last ? n : last] : '@');
		}
		putchar('\n');
	}
}

#endif
