"""The state on disk under faults: kills, failing and full disks, flipped bits."""
