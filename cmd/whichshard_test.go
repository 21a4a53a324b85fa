package cmd

import "testing"

// Which shard a process is, by what Kubernetes, Slurm and AWS Batch set in its environment.
func TestWhichShard(t *testing.T) {
	type env map[string]string
	for _, tt := range []struct {
		given string
		of    int // by the collector
		env   env
		want  string
		err   string
	}{
		{given: "2/3", want: "2/3"},
		{given: "2/3", of: 3, want: "2/3"},
		{given: "2/3", of: 4, err: "--shard is 2/3, but the collector collects 4 shards"},
		{of: 3, err: "which shard this is nobody says: neither --shard nor the environment of Kubernetes, Slurm or AWS Batch"},
		{env: env{"JOB_COMPLETION_INDEX": "0"}, of: 3, want: "1/3"},
		{env: env{"JOB_COMPLETION_INDEX": "3"}, of: 3, err: "--shard: \"4/3\": there is no shard 4 of 3; want 1 to 3"},
		{env: env{"JOB_COMPLETION_INDEX": "1"}, given: "auto", err: "this is shard 2 by an Indexed Job of Kubernetes (JOB_COMPLETION_INDEX), but of how many shards nobody says"},
		{env: env{"JOB_COMPLETION_INDEX": "1"}, given: "2/3", want: "2/3"},
		{env: env{"JOB_COMPLETION_INDEX": "1"}, given: "1/3", err: "--shard is 1/3, but this is shard 2 by an Indexed Job of Kubernetes (JOB_COMPLETION_INDEX)"},
		{env: env{"JOB_COMPLETION_INDEX": "one"}, given: "auto", err: `JOB_COMPLETION_INDEX is "one"; want a number, as an Indexed Job of Kubernetes sets it`},
		{env: env{"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4"}, given: "auto", want: "3/4"},
		{env: env{"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4"}, of: 3, err: "the collector collects 3 shards, but this is shard 3/4 by srun (SLURM_PROCID)"},
		{env: env{"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, given: "2/4", want: "2/4"}, // a batch script
		{env: env{"SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_STEP": "2", "SLURM_ARRAY_TASK_COUNT": "3"}, given: "auto", want: "3/3"},
		{env: env{"SLURM_ARRAY_TASK_ID": "13", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_STEP": "2", "SLURM_ARRAY_TASK_COUNT": "3"}, given: "auto",
			err: "SLURM_ARRAY_TASK_ID is 13, which is none of 3 numbers from 10 on in steps of 2"},
		{env: env{"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "2"}, given: "auto", want: "2/2"},
		{env: env{"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "2", "JOB_COMPLETION_INDEX": "1"}, given: "auto", want: "2/2"},
		{env: env{"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "2", "JOB_COMPLETION_INDEX": "0"}, given: "auto",
			err: "the environment has this process be two shards: shard 1 by an Indexed Job of Kubernetes (JOB_COMPLETION_INDEX), and shard 2/2 by an array job of AWS Batch (AWS_BATCH_JOB_ARRAY_INDEX)"},
	} {
		a := newApp(Process{LookupEnv: func(name string) (string, bool) { text, ok := tt.env[name]; return text, ok }})
		got, err := a.whichShard(tt.given, tt.of)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if said != tt.err || err == nil && got != tt.want {
			t.Errorf("whichShard(%q, %d) with %v = %q, %v; want %q, %s", tt.given, tt.of, tt.env, got, err, tt.want, tt.err)
		}
	}
}
