/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: mandelbrot-client FILE
 * Draws the Mandelbrot set with all the workers that there are. Each has two parts of the picture
 * at a time, so that it never waits for us, and gets the next when it has done one: a fast worker
 * does more. What a worker that fails had to do goes to the others.
 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include "mandelbrot.pyr.h"
#include "picture.h"
#include "pyrite/names.pyr.h"

#define WORKERS_MAX 32
#define PART_ROWS   10
#define PARTS       (HEIGHT / PART_ROWS)
#define AT_A_TIME   2

typedef struct worker {
	char name[PYR_OBJECT_ID_MAX + 1];
	demo_mandelbrot *proxy;
	unsigned running, rows;
	bool gone;
} worker;

typedef struct part {
	struct drawing *drawing;
	worker *worker; /* who computes it */
	unsigned number;
} part;

typedef struct drawing {
	pthread_mutex_t lock; /* callbacks run on the context's thread, and the first calls here */
	worker workers[WORKERS_MAX];
	size_t worker_count;
	part parts[PARTS];
	part *waiting[PARTS]; /* for a worker */
	unsigned waiting_count, running;
	picture steps;
	sem_t finished;
} drawing;

static void on_points(
	void *ctx, pyr_status status, const Demo__Points *points, const pyr_error *err);

/* Giving out work: all with the lock held */

static void give_back(part *p, const char *why)
{
	worker *w = p->worker;
	if (!w->gone)
		printf("%s is gone, its work goes to others: %s\n", w->name, why);
	w->gone = true;
	p->drawing->waiting[p->drawing->waiting_count++] = p;
}

static void give_part(drawing *d, worker *w)
{
	Demo__Area area = DEMO__AREA__INIT;
	pyr_error err;
	part *p = d->waiting[--d->waiting_count];
	p->worker = w;
	area.step = 3.0 / WIDTH;
	area.x = -2.25;
	area.y = -1.125 + p->number * PART_ROWS * area.step;
	area.width = WIDTH;
	area.height = PART_ROWS;
	/* a call that could not even begin has no callback */
	if (demo_mandelbrot_compute__invoke(w->proxy, &area, on_points, p, NULL, &err)) {
		give_back(p, err.message);
		return;
	}
	w->running++;
	d->running++;
}

static void give_out(drawing *d)
{
	for (worker *w = d->workers; w < d->workers + d->worker_count; w++)
		while (!w->gone && w->running < AT_A_TIME && d->waiting_count)
			give_part(d, w);
	if (d->running == 0) /* all done, or all gone */
		sem_post(&d->finished);
}

/* Getting it back */

static void on_points(
	void *ctx, pyr_status status, const Demo__Points *points, const pyr_error *err)
{
	part *p = ctx;
	drawing *d = p->drawing;
	worker *w = p->worker;
	pthread_mutex_lock(&d->lock);
	w->running--;
	d->running--;
	if (status) {
		give_back(p, pyr_status_name(err->status));
	} else if (points->steps.len != PART_ROWS * WIDTH) {
		give_back(p, "it computes nonsense");
	} else {
		memcpy(d->steps[p->number * PART_ROWS], points->steps.data, points->steps.len);
		w->rows += PART_ROWS;
	}
	give_out(d);
	pthread_mutex_unlock(&d->lock);
}

/* Workers */

static pyr_status find_workers(drawing *d, pyr_error *err)
{
	char *tag = "mandelbrot";
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	pyrite_names *names;
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	Pyrite__ListReply *reply;
	request.tags_all = &tag;
	request.n_tags_all = 1;
	request.names_only = true;
	request.page_size = WORKERS_MAX;
	options.timeout_ms = 10000;
	options.retries_max = UINT32_MAX; /* never: another worker is quicker */
	pyr_status status = pyrite_names__open(NULL, "pyrite.nameserver", NULL, &names, err);
	if (status)
		return status;
	status = pyrite_names_list(names, &request, &reply, err);
	if (status == PYR_OK) {
		for (size_t i = 0; i < reply->n_names && status == PYR_OK; i++) {
			worker *w = &d->workers[i];
			snprintf(w->name, sizeof w->name, "%s", reply->names[i]->name);
			status = demo_mandelbrot__open(NULL, w->name, &options, &w->proxy, err);
			d->worker_count += status == PYR_OK;
		}
		pyrite__list_reply__free_unpacked(reply, NULL);
	}
	pyrite_names__close(names);
	return status;
}

static pyr_status draw(drawing *d, pyr_error *err)
{
	for (unsigned i = 0; i < PARTS; i++) {
		d->parts[i] = (part){d, NULL, i};
		d->waiting[d->waiting_count++] = &d->parts[i];
	}
	pthread_mutex_lock(&d->lock);
	give_out(d);
	pthread_mutex_unlock(&d->lock);
	while (sem_wait(&d->finished))
		;
	if (d->waiting_count)
		return pyr_error_set(err, PYR_UNAVAILABLE,
			"no worker is left: start some, 'mandelbrot-server NAME'");
	return PYR_OK;
}

int main(int argc, char **argv)
{
	static drawing d = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pyr_error err;
	if (argc != 2)
		return fprintf(stderr, "usage: mandelbrot-client FILE\n"), 2;
	sem_init(&d.finished, 0, 0);
	pyr_status status = find_workers(&d, &err);
	if (status == PYR_OK)
		status = draw(&d, &err);
	for (size_t i = 0; i < d.worker_count; i++)
		demo_mandelbrot__close(d.workers[i].proxy);
	if (status)
		return fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message), 1;
	picture_print(d.steps);
	for (size_t i = 0; i < d.worker_count; i++)
		printf("%s: %u rows\n", d.workers[i].name, d.workers[i].rows);
	if (!picture_write(d.steps, argv[1]))
		return perror(argv[1]), 1;
	printf("%s: %d x %d\n", argv[1], WIDTH, HEIGHT);
}
