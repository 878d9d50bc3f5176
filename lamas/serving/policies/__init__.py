"""What decides when and where calls run: functions of the observed state, one file each."""
