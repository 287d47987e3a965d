/*
 * A group extension for Debian's ipmi_sim: answers every DCMI command with the
 * bytes that a file holds, in hexadecimal, the completion code first. So a test
 * decides, while the BMC runs, what it says.
 */
#include <stdio.h>
#include <stdint.h>
#include <OpenIPMI/mcserv.h>
#include <OpenIPMI/serv.h>

static const char *answer;

static void dcmi(lmc_data_t *mc, msg_t *msg, unsigned char *reply, unsigned int *length, void *data)
{
	unsigned int byte, n = 0;
	FILE *f = fopen(answer, "r");

	(void)mc, (void)msg, (void)data;
	while (f && n < 64 && fscanf(f, "%x", &byte) == 1)
		reply[n++] = byte;
	if (f)
		fclose(f);
	if (n == 0)
		reply[n++] = 0xc1; /* invalid command */
	*length = n;
}

int ipmi_sim_module_print_version(sys_data_t *sys, char *options)
{
	(void)sys, (void)options;
	return 0;
}

int ipmi_sim_module_init(sys_data_t *sys, const char *options)
{
	(void)sys;
	answer = options;
	ipmi_emu_register_group_extension_handler(0xdc, dcmi, 0);
	return 0;
}
